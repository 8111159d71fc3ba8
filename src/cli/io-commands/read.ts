/** Reading: `read`, and `readv` and `aio_read`, whose pieces make one request here. */
import { readGuest } from '../../engine/image/access.ts';
import { copyUp } from '../../jobs/copy-on-read.ts';
import { assertOnDisk, type IoCommand, sayFailed } from './command.ts';
import { type IoLine, IoMistake, MAX_REQUEST, readLength, readNumber, readPattern } from './line.ts';
import { dumpText, reportText } from './print.ts';
import type { Session } from './session.ts';

const PIECE = 8 * 1024 * 1024;
/** Text is printed as it grows. */
const DUMP = 64 * 1024;

interface ReadRequest {
  readonly at: number;
  readonly length: number;
  readonly pattern: number | undefined;
  /** The part that is compared with the pattern, from the start of the request. */
  readonly from: number;
  readonly count: number;
}

/** Reads the whole request; returns whether its bytes are the pattern. */
function perform(session: Session, request: ReadRequest, dump: (bytes: Uint8Array, at: number) => void): boolean {
  const { at, length, pattern, from, count } = request;
  const buffer = new Uint8Array(Math.min(PIECE, length));
  let same = true;
  assertOnDisk(session, at, length);
  const { writable, wish, driver, device } = session.opened;
  if (writable && wish.copyOnRead) {
    copyUp(writable, session.chain, driver.describe?.(device).clusterSize ?? 1, at, length);
  }
  for (let done = 0; done < length; done += PIECE) {
    const bytes = buffer.subarray(0, Math.min(PIECE, length - done));
    readGuest(session.chain, at + done, bytes);
    if (pattern !== undefined) {
      const end = Math.max(0, from + count - done);
      same &&= bytes.subarray(Math.max(0, from - done), end).every((byte) => byte === pattern);
    }
    dump(bytes, at + done);
  }
  return same;
}

function runRequest(session: Session, flags: ReadonlyMap<string, string>, request: ReadRequest, failed: string) {
  const { at, length, from, count } = request;
  const started = performance.now();
  let text = '';
  let same: boolean;
  try {
    same = perform(session, request, (bytes, place) => {
      if (!flags.has('v') || flags.has('q')) return;
      for (let done = 0; done < bytes.length; done += DUMP) {
        text += dumpText(bytes.subarray(done, done + DUMP), place + done);
      }
    });
  } catch (thrown) {
    return sayFailed(session, failed, thrown);
  }
  const seconds = (performance.now() - started) / 1000;
  const { stdout } = session.io;
  if (!same) stdout(`Pattern verification failed at offset ${at + from}, ${count} bytes\n`);
  if (!flags.has('q')) stdout(text + reportText({ what: 'read', at, length, seconds }, flags.has('C')));
  return same;
}

function refuseMachineState(flags: ReadonlyMap<string, string>): void {
  if (flags.has('b')) throw new IoMistake('-b is not available: the saved state of a machine is not looked at here');
}

function readOne({ flags, words }: IoLine, session: Session): boolean {
  refuseMachineState(flags);
  const [pattern, start, count] = [flags.get('P'), flags.get('s'), flags.get('l')];
  const part = { from: readNumber(start ?? '0'), count: count === undefined ? undefined : readNumber(count) };
  const value = pattern === undefined ? undefined : readPattern(pattern);
  if (value === undefined && (start !== undefined || count !== undefined)) {
    throw new IoMistake('-s and -l say where the pattern of -P is looked for, and there is none');
  }
  const at = readNumber(words[0] ?? '');
  const length = readLength(words[1] ?? '');
  const left = part.count ?? length - part.from;
  if (left < 0 || part.from + left > length) throw new IoMistake('the pattern is looked for behind what is read');
  const request = { at, length, pattern: value, from: part.from, count: left };
  return runRequest(session, flags, request, 'read');
}

export function totalOf(lengths: readonly string[]): number {
  const total = lengths.reduce((sum, text) => sum + readLength(text), 0);
  if (total > MAX_REQUEST) throw new IoMistake(`the pieces together are longer than ${MAX_REQUEST} bytes`);
  return total;
}

function readPieces({ flags, words }: IoLine, session: Session): boolean {
  const pattern = flags.get('P');
  const value = pattern === undefined ? undefined : readPattern(pattern);
  const at = readNumber(words[0] ?? '');
  const length = totalOf(words.slice(1));
  return runRequest(session, flags, { at, length, pattern: value, from: 0, count: length }, 'readv');
}

const notes = [
  '-P byte   compare with a pattern',
  '-v        print the bytes',
  '-q        print nothing but failures',
  '-C        print numbers for machines',
];

export const readCommands: readonly IoCommand[] = [
  {
    name: 'read',
    short: 'r',
    letters: 'bCl:P:qs:v',
    usage: '[-Cqv] [-P byte [-s offset] [-l length]] offset length',
    about: 'reads a stretch of the disk',
    notes: [...notes, '-s offset begin comparing there', '-l length compare so much'],
    least: 2,
    most: 2,
    run: readOne,
  },
  {
    name: 'readv',
    letters: 'CP:qv',
    usage: '[-Cqv] [-P byte] offset length [length…]',
    about: 'reads a stretch given in pieces',
    notes,
    least: 2,
    most: Number.POSITIVE_INFINITY,
    run: readPieces,
  },
  {
    name: 'aio_read',
    letters: 'CP:iqv',
    usage: '[-Cqv] [-P byte] offset length [length…]',
    about: 'the same; it is finished when the next command begins',
    notes,
    least: 2,
    most: Number.POSITIVE_INFINITY,
    run(line, session) {
      if (line.flags.has('i')) throw new IoMistake('-i is not available: requests cannot be made to fail here');
      readPieces(line, session);
      // What qemu-io finds out later does not count for its exit code.
      return true;
    },
  },
];
