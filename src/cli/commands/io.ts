/**
 * `io`: reads and writes a disk request by request, as qemu-io does. Its own commands come from `-c`, in their order,
 * or from standard input.
 */
import { parseOptionList } from '../../engine/options/option-list.ts';
import { throwIfCancelled } from '../../platform/node/pump.ts';
import { type Command, helpFlag, lastOf, readLine } from '../command.ts';
import { takeEncryption } from '../encryption-settings.ts';
import { imageFlags, openOptions, splitImageOptions, writingFlags } from '../image-argument.ts';
import { type Io, UsageError } from '../io.ts';
import { IoMistake } from '../io-commands/line.ts';
import { discardMode } from '../io-commands/manage.ts';
import { runIoLine } from '../io-commands/run.ts';
import { type OpenWish, Session } from '../io-commands/session.ts';
import { settingsFrom } from '../open-settings.ts';

const NAME = 'io';
const PROMPT = 'qemu-io> ';
const CACHING = 'the host has one way of caching';

const flags = {
  ...imageFlags,
  command: { short: 'c', long: 'cmd', value: 'command', help: 'Run this; may be repeated' },
  readOnly: { short: 'r', long: 'read-only', help: 'Open for reading only' },
  discard: { short: 'd', long: 'discard', value: 'mode', help: 'What discard does: unmap (default) or ignore' },
  settings: { short: 'o', value: 'settings', help: 'Settings of the open image, as in --image-opts' },
  snapshot: { short: 's', long: 'snapshot', help: '', refused: 'no copy is made that is thrown away afterwards' },
  nocache: { short: 'n', long: 'nocache', help: '', refused: CACHING },
  cache: { short: 't', long: 'cache', value: 'mode', help: '', refused: CACHING },
  misalign: { short: 'm', long: 'misalign', help: '', refused: CACHING },
  copyOnRead: { short: 'C', long: 'copy-on-read', help: 'Keep in the image what is read from below it' },
  nativeAio: { short: 'k', long: 'native-aio', help: '', refused: 'the host has one way of reading and writing' },
  aio: { short: 'i', long: 'aio', value: 'mode', help: '', refused: 'the host has one way of reading and writing' },
  trace: { short: 'T', long: 'trace', value: 'pattern', help: '', refused: 'there is nothing to trace here' },
  ...writingFlags,
  help: helpFlag,
} as const;

function readTexts(list: string | undefined): Readonly<Record<string, string>> {
  const texts = list === undefined ? {} : parseOptionList(list);
  if (!texts) throw new UsageError(`"${list}" is not a list of name=value`, NAME);
  return texts;
}

type Line = ReturnType<typeof readLine<typeof flags>>;

function wishOf(line: Line, file: string): OpenWish {
  const { reference, rest } = splitImageOptions(line, file, NAME);
  const { encryption, rest: others } = takeEncryption(readTexts(lastOf(line, 'settings')));
  const settings = settingsFrom({ ...rest, ...others });
  try {
    return {
      reference: { ...reference, ...encryption },
      readOnly: lastOf(line, 'readOnly') !== undefined || settings.readOnly,
      share: lastOf(line, 'share') !== undefined || settings.share,
      copyOnRead: lastOf(line, 'copyOnRead') !== undefined,
      discard: discardMode(lastOf(line, 'discard') ?? settings.discard ?? 'unmap'),
      texts: settings.texts,
    };
  } catch (thrown) {
    throw thrown instanceof IoMistake ? new UsageError(thrown.message, NAME) : thrown;
  }
}

/** Lines from standard input, a prompt before each. */
async function* promptedLines(io: Io): AsyncGenerator<string> {
  io.stdout(PROMPT);
  if (!io.stdin) return;
  for await (const line of io.stdin()) {
    yield line;
    io.stdout(PROMPT);
  }
}

async function run(args: readonly string[], io: Io): Promise<number> {
  const line = readLine(NAME, flags, args);
  const [file, another] = line.positionals;
  if (another !== undefined) throw new UsageError(`"${another}" is one argument too many`, NAME);
  const session = new Session(io, openOptions(line, io));
  let failed = false;
  try {
    if (file !== undefined) await session.open(wishOf(line, file));
    const given = line.given.filter(({ name }) => name === 'command').map(({ value }) => value);
    for await (const text of given.length > 0 ? given : promptedLines(io)) {
      const verdict = await runIoLine(text, session);
      if (verdict === 'quit') break;
      failed ||= verdict === 'failed';
    }
    throwIfCancelled(io.signal, 'cancelled; the image is closed');
  } catch (thrown) {
    session.end();
    throw thrown;
  }
  if (!session.end()) failed = true;
  return failed ? 1 : 0;
}

export const io: Command = {
  name: NAME,
  about: 'Reads and writes a disk request by request, as qemu-io does.',
  flags,
  positionals: '[file]',
  notes: [
    "Commands are qemu-io's: -c 'write -P 0x41 64k 4k' -c 'read -v 64k 16'. Without -c they are read from standard input.",
    "-c help lists them. Times and rates are this program's own.",
  ],
  run,
};
