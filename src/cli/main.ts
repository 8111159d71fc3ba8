/** The command: finds what is asked for, runs it, turns errors into lines and an exit code. */
import { DiskwrightError } from '../engine/errors.ts';
import { type Command, HelpWanted } from './command.ts';
import { amend } from './commands/amend.ts';
import { bitmap } from './commands/bitmap.ts';
import { check } from './commands/check.ts';
import { commit } from './commands/commit.ts';
import { compare } from './commands/compare.ts';
import { convert } from './commands/convert.ts';
import { create } from './commands/create.ts';
import { dd } from './commands/dd.ts';
import { info } from './commands/info.ts';
import { io as ioCommand } from './commands/io.ts';
import { map } from './commands/map.ts';
import { measure } from './commands/measure.ts';
import { rebase } from './commands/rebase.ts';
import { resize } from './commands/resize.ts';
import { snapshot } from './commands/snapshot.ts';
import { verify } from './commands/verify.ts';
import { type Io, PROGRAM, sayError, UsageError } from './io.ts';
import { forgetSecrets } from './secrets-of-line.ts';
import { commandHelp, programHelp } from './usage.ts';
import { VERSION } from './version.ts';

const commands: readonly Command[] = [
  create,
  measure,
  info,
  check,
  map,
  compare,
  snapshot,
  bitmap,
  commit,
  rebase,
  resize,
  amend,
  convert,
  dd,
  ioCommand,
  verify,
];

/** Commands of qemu-img's that are missing here; named, so that nobody wonders about a typing mistake. */
const MISSING = ['bench'];

const FAILED = 1;

async function runCommand(command: Command, args: readonly string[], io: Io): Promise<number> {
  try {
    return await command.run(args, io);
  } catch (thrown) {
    if (!(thrown instanceof HelpWanted)) throw thrown;
    io.stdout(commandHelp(command));
    return 0;
  }
}

async function dispatch(argv: readonly string[], io: Io): Promise<number> {
  const [word, ...args] = argv;
  if (word === undefined) throw new UsageError('the command is missing');
  if (word === 'help' || word === '-h' || (word.length > 2 && '--help'.startsWith(word))) {
    io.stdout(programHelp(commands, VERSION));
    return 0;
  }
  if (word === '-V' || (word.length > 2 && '--version'.startsWith(word))) {
    io.stdout(`${PROGRAM} version ${VERSION}\n`);
    return 0;
  }
  if (/^(-T|--trace)/.test(word)) throw new UsageError(`${word} is not available: there is nothing to trace here`);
  if (word.startsWith('-')) throw new UsageError(`there is no flag ${word}`);
  const command = commands.find((one) => one.name === word);
  if (command) return await runCommand(command, args, io);
  if (MISSING.includes(word)) throw new UsageError(`the command ${word} of qemu-img is not available so far`);
  throw new UsageError(`there is no command "${word}"`);
}

/** Runs one command line (without the program's name) and returns its exit code. */
export async function main(argv: readonly string[], io: Io): Promise<number> {
  try {
    return await dispatch(argv, io);
  } catch (thrown) {
    if (thrown instanceof DiskwrightError && thrown.kind === 'cancelled') throw thrown;
    sayError(io, thrown);
    return FAILED;
  } finally {
    forgetSecrets(io);
  }
}
