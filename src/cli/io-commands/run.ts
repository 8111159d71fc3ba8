/** Runs lines of `io` one after another: a line that fails is told, counts for the exit code, and ends nothing. */
import { DiskwrightError } from '../../engine/errors.ts';
import { throwIfCancelled } from '../../platform/node/pump.ts';
import { say, sayError, UsageError } from '../io.ts';
import type { IoCommand } from './command.ts';
import { IoMistake, readIoLine } from './line.ts';
import { lookCommands } from './look.ts';
import { manageCommands } from './manage.ts';
import { readCommands } from './read.ts';
import type { Session } from './session.ts';
import { writeCommands } from './write.ts';

const QUIT: ReadonlySet<string> = new Set(['quit', 'q']);
const HELP: ReadonlySet<string> = new Set(['help', '?']);
/** Commands of qemu-io's that are missing here. */
const MISSING: Readonly<Record<string, string>> = Object.fromEntries(
  'abort break remove_break resume sigraise wait_break zone_report'.split(' ').map((name) => [name, name]),
);
/** These work with no image open. */
const WITHOUT_IMAGE: ReadonlySet<string> = new Set(['open', 'sleep']);

export const ioCommands: readonly IoCommand[] = [
  ...readCommands,
  ...writeCommands,
  ...lookCommands,
  ...manageCommands,
].sort((a, b) => (a.name < b.name ? -1 : 1));

const find = (name: string): IoCommand | undefined =>
  ioCommands.find((command) => command.name === name || command.short === name);

const summary = ({ name, short, usage, about }: IoCommand): string =>
  `${[name, usage].filter((part) => part !== '').join(' ')}: ${about}${short === undefined ? '' : ` (also: ${short})`}\n`;

function help(words: readonly string[], session: Session): boolean {
  const [name, another] = words;
  if (another !== undefined) throw new IoMistake('help takes the name of one command');
  if (name === undefined) {
    for (const command of ioCommands) session.io.stdout(summary(command));
    session.io.stdout('help [command]: tells this (also: ?)\nquit: ends (also: q)\n');
    return true;
  }
  const command = find(name);
  if (!command) throw new IoMistake(`there is no command "${name}"`);
  session.io.stdout(summary(command));
  for (const note of command.notes ?? []) session.io.stdout(`  ${note}\n`);
  return true;
}

async function runCommand(name: string, args: readonly string[], session: Session): Promise<boolean> {
  if (HELP.has(name)) return help(args, session);
  const command = find(name);
  if (!command) {
    const known = MISSING[name] !== undefined;
    throw new IoMistake(known ? `${name} of qemu-io is not available` : `there is no command "${name}"`);
  }
  if (!WITHOUT_IMAGE.has(command.name) && !session.isOpen) throw new IoMistake('no image is open: "open" opens one');
  const line = readIoLine(command.name, args, command.letters);
  const count = line.words.length;
  if (count < command.least || count > command.most) {
    throw new IoMistake(`${command.name} is written: ${command.name} ${command.usage}`.trimEnd());
  }
  return await command.run(line, session);
}

export type Verdict = 'done' | 'failed' | 'quit';

/** Runs one line. */
export async function runIoLine(text: string, session: Session): Promise<Verdict> {
  throwIfCancelled(session.io.signal, 'cancelled; the image is closed');
  // A turn of the event loop, so that a signal is seen between two lines.
  await new Promise((resolve) => setImmediate(resolve));
  throwIfCancelled(session.io.signal, 'cancelled; the image is closed');
  const [name, ...args] = text.split(' ').filter((word) => word !== '');
  if (name === undefined) return 'done';
  if (QUIT.has(name)) return 'quit';
  try {
    return (await runCommand(name, args, session)) ? 'done' : 'failed';
  } catch (thrown) {
    if (thrown instanceof IoMistake || thrown instanceof UsageError) say(session.io, thrown.message);
    else if (thrown instanceof DiskwrightError && thrown.kind !== 'cancelled') sayError(session.io, thrown);
    else throw thrown;
    return 'failed';
  }
}
