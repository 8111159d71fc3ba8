/** One command line of `io`: words at single blanks, flags of one letter, sizes and patterns as qemu-io reads them. */
import { parseQemuNumber, parseQemuSize } from '../../engine/bytes/size-text.ts';

/** A line that cannot be run, or work that is refused before it begins: told in one line, and the next one follows. */
export class IoMistake extends Error {
  override readonly name = 'IoMistake';
}

const MAX_OFFSET = 2n ** 63n - 1n;
/** What one request moves at most: 2^31 less a sector. */
export const MAX_REQUEST = 2 ** 31 - 512;

export interface IoLine {
  /** Given letters; those without a value map to ''. */
  readonly flags: ReadonlyMap<string, string>;
  readonly words: readonly string[];
}

/**
 * Reads what follows the command's name as getopt does: flags and words in any order, `--` ends the flags.
 * `letters`: flags as in `qvP:`, a colon behind those that take a value.
 */
export function readIoLine(name: string, args: readonly string[], letters: string): IoLine {
  const flags = new Map<string, string>();
  const words: string[] = [];
  for (let at = 0; at < args.length; ) {
    const word = args[at++] ?? '';
    if (word === '--') {
      words.push(...args.slice(at));
      break;
    }
    if (!word.startsWith('-') || word === '-') {
      words.push(word);
      continue;
    }
    for (let i = 1; i < word.length; i++) {
      const letter = word.charAt(i);
      const place = letter === ':' ? -1 : letters.indexOf(letter);
      if (place < 0) throw new IoMistake(`${name}: there is no flag -${letter}`);
      if (letters.charAt(place + 1) !== ':') {
        flags.set(letter, '');
        continue;
      }
      const value = i + 1 < word.length ? word.slice(i + 1) : args[at++];
      if (value === undefined) throw new IoMistake(`${name}: -${letter} needs a value`);
      flags.set(letter, value);
      break;
    }
  }
  return { flags, words };
}

/** An offset or a length. */
export function readNumber(text: string): number {
  const reading = parseQemuSize(text);
  if (!reading.ok && reading.reason === 'syntax') throw new IoMistake(`"${text}" is not a number of bytes`);
  if (!reading.ok || reading.bytes > MAX_OFFSET) throw new IoMistake(`${text} bytes is 8 EiB or more`);
  return Number(reading.bytes);
}

/** The length of one request. */
export function readLength(text: string): number {
  const length = readNumber(text);
  if (length > MAX_REQUEST) throw new IoMistake(`a length of ${text} is more than ${MAX_REQUEST} bytes`);
  return length;
}

/** A byte: decimal, 0x hexadecimal or 0 octal. */
export function readPattern(text: string): number {
  const value = parseQemuNumber(text);
  if (value === undefined || value > 255n) throw new IoMistake(`"${text}" is not a byte: a pattern is 0 to 255`);
  return Number(value);
}
