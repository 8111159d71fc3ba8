/** Writing: `write` in all its forms, `writev` and `aio_write` as plain writes, `discard`. */
import { readFileSync } from 'node:fs';
import { DiskwrightError } from '../../engine/errors.ts';
import { onHost } from '../../platform/node/host-error.ts';
import { locate } from '../../platform/node/image-name.ts';
import { packCluster } from '../../platform/node/pack-cluster.ts';
import { assertOnDisk, type IoCommand, sayFailed } from './command.ts';
import { type IoLine, IoMistake, readLength, readNumber, readPattern } from './line.ts';
import { reportText } from './print.ts';
import { totalOf } from './read.ts';
import type { Session } from './session.ts';

/** A request goes to the image in one piece, because that decides where it lands; one that is longer ends at multiples. */
const PIECE = 256 * 1024 * 1024;
const USUAL_PATTERN = 0xcd;

/** Calls `write` for each piece of a request, the buffer filled with `content`, which repeats. */
function inPieces(at: number, length: number, content: Uint8Array, write: (at: number, bytes: Uint8Array) => void) {
  const buffer = new Uint8Array(Math.min(PIECE, length));
  if (content.length === 1) buffer.fill(content[0] ?? 0);
  for (let done = 0; done < length; ) {
    const bytes = buffer.subarray(0, Math.min(PIECE - ((at + done) % PIECE), length - done));
    if (content.length > 1) for (let i = 0; i < bytes.length; i++) bytes[i] = content[(done + i) % content.length] ?? 0;
    write(at + done, bytes);
    done += bytes.length;
  }
}

function writeData(session: Session, at: number, length: number, content: Uint8Array): void {
  inPieces(at, length, content, (place, bytes) => session.writable.write(place, bytes));
}

function writeCompressed(session: Session, at: number, length: number, content: Uint8Array): void {
  const { writable } = session;
  const { compression, compressedUnit: unit } = writable;
  if (!writable.writeCompressed || !compression || !unit) {
    const { format } = session.opened;
    throw new DiskwrightError('unsupported', `images of the format ${format} hold no compressed data`);
  }
  const { driver, device } = session.opened;
  if (driver.dataFile?.(device) !== undefined) {
    throw new DiskwrightError('unsupported', 'guest data in a file beside the image cannot be compressed');
  }
  // Refused before the first cluster of the request is written.
  if (at % unit !== 0 || (length % unit !== 0 && at + length !== session.size)) {
    throw new DiskwrightError('invalid-option', `only whole clusters of ${unit} bytes can be compressed`);
  }
  inPieces(at, length, content, (place, bytes) => {
    for (let done = 0; done < bytes.length; done += unit) {
      const cluster = bytes.subarray(done, done + unit);
      writable.writeCompressed?.(place + done, cluster, packCluster(compression, cluster, unit));
    }
  });
}

function request(
  session: Session,
  flags: ReadonlyMap<string, string>,
  [what, failed]: readonly [what: string, failed: string],
  [at, length]: readonly [number, number],
  perform: () => void,
): boolean {
  const { writable } = session;
  const started = performance.now();
  try {
    assertOnDisk(session, at, length);
    if (length > 0) perform();
    if (flags.has('f')) writable.flush();
  } catch (thrown) {
    return sayFailed(session, failed, thrown);
  }
  const seconds = (performance.now() - started) / 1000;
  if (!flags.has('q')) session.io.stdout(reportText({ what, at, length, seconds }, flags.has('C')));
  return true;
}

function contentOf(flags: ReadonlyMap<string, string>, session: Session): Uint8Array {
  const [pattern, source] = [flags.get('P'), flags.get('s')];
  if (source === undefined) return Uint8Array.of(pattern === undefined ? USUAL_PATTERN : readPattern(pattern));
  const bytes = onHost(source, 'read the pattern', () => readFileSync(locate(session.io.cwd, source)));
  if (bytes.length === 0) throw new IoMistake(`${source}: the pattern is empty`);
  return bytes;
}

const NOT_HERE: Readonly<Record<string, string>> = {
  b: 'the saved state of a machine is not written here',
  i: 'requests cannot be made to fail here',
  n: 'how zeros are made is up to the image here',
};

function checkFlags(flags: ReadonlyMap<string, string>): void {
  for (const [letter, why] of Object.entries(NOT_HERE)) {
    if (flags.has(letter)) throw new IoMistake(`-${letter} is not available: ${why}`);
  }
  const contents = ['z', 'P', 's'].filter((letter) => flags.has(letter));
  if (contents.length > 1) throw new IoMistake(`-${contents.join(' and -')} exclude each other`);
  if (flags.has('u') && !flags.has('z')) throw new IoMistake('-u lets zeros give space up, and -z is not given');
}

function writeOne({ flags, words }: IoLine, session: Session): boolean {
  checkFlags(flags);
  const at = readNumber(words[0] ?? '');
  const length = readLength(words[1] ?? '');
  const content = contentOf(flags, session);
  return request(session, flags, ['wrote', 'write'], [at, length], () => {
    if (flags.has('z')) session.writable.zero(at, length, flags.has('u'));
    else if (flags.has('c')) writeCompressed(session, at, length, content);
    else writeData(session, at, length, content);
  });
}

function writePieces({ flags, words }: IoLine, session: Session, failed: string): boolean {
  checkFlags(flags);
  const at = readNumber(words[0] ?? '');
  const length = flags.has('z') ? readLength(words[1] ?? '') : totalOf(words.slice(1));
  if (flags.has('z') && words.length > 2) throw new IoMistake('zeros are written in one piece: one length');
  const content = contentOf(flags, session);
  return request(session, flags, ['wrote', failed], [at, length], () => {
    if (flags.has('z')) session.writable.zero(at, length, flags.has('u'));
    else writeData(session, at, length, content);
  });
}

function discardOne({ flags, words }: IoLine, session: Session): boolean {
  const at = readNumber(words[0] ?? '');
  const length = readLength(words[1] ?? '');
  return request(session, flags, ['discard', 'discard'], [at, length], () => {
    if (session.opened.wish.discard === 'unmap') session.writable.discard(at, length);
  });
}

const notes = [
  '-P byte   write this (default: 0xcd)',
  '-f        flush behind it',
  '-q        print nothing but failures',
  '-C        print numbers for machines',
];

export const writeCommands: readonly IoCommand[] = [
  {
    name: 'write',
    short: 'w',
    letters: 'bcCfnpP:qs:uz',
    usage: '[-cCfquz] [-P byte | -s file] offset length',
    about: 'writes a stretch of the disk',
    notes: [
      ...notes,
      '-s file   write what is in this file, again and again',
      '-z        make it zeros',
      '-u        with -z: its space may be given up',
      '-c        compressed, whole clusters',
    ],
    least: 2,
    most: 2,
    run: writeOne,
  },
  {
    name: 'writev',
    letters: 'CfP:q',
    usage: '[-Cfq] [-P byte] offset length [length…]',
    about: 'writes a stretch given in pieces',
    notes,
    least: 2,
    most: Number.POSITIVE_INFINITY,
    run: (line, session) => writePieces(line, session, 'writev'),
  },
  {
    name: 'aio_write',
    letters: 'CfiP:quz',
    usage: '[-Cfquz] [-P byte] offset length [length…]',
    about: 'the same; it is finished when the next command begins',
    notes,
    least: 2,
    most: Number.POSITIVE_INFINITY,
    run(line, session) {
      writePieces(line, session, 'aio_write');
      // What qemu-io finds out later does not count for its exit code.
      return true;
    },
  },
  {
    name: 'discard',
    short: 'd',
    letters: 'Cq',
    usage: '[-Cq] offset length',
    about: 'gives up a stretch of the disk',
    least: 2,
    most: 2,
    run: discardOne,
  },
];
