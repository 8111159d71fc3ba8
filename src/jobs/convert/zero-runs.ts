/**
 * Tells data from zeros, block by block: a block is zeros or data as a whole, and zeros between data count as data
 * unless there are enough of them in a row.
 */

export interface Run {
  readonly from: number;
  readonly to: number;
  readonly zero: boolean;
}

/** Whether bytes [from, to), whole words, are all zero. */
export type ZeroTest = (bytes: Uint8Array, from: number, to: number) => boolean;

export interface ZeroRules {
  /** Bytes of zeros in a row that are worth leaving out, a multiple of 512; 0: everything is data. */
  readonly least: number;
  /** The host's own way to look for zeros, if it has a faster one. */
  readonly test?: ZeroTest | undefined;
}

/** Zeros often go on: they are looked through in larger steps. */
const STRIDE = 64 * 1024;

/** Blocks are as large as the largest power of two within `least`, and lie at multiples of that. */
export const blockOf = (least: number): number => 2 ** Math.floor(Math.log2(least));

/** Whether words [from, to) are all zero. */
function wordsAreZero(words: Int32Array, from: number, to: number): boolean {
  let i = from;
  for (; i + 8 <= to; i += 8) {
    const some =
      (words[i] as number) |
      (words[i + 1] as number) |
      (words[i + 2] as number) |
      (words[i + 3] as number) |
      (words[i + 4] as number) |
      (words[i + 5] as number) |
      (words[i + 6] as number) |
      (words[i + 7] as number);
    if (some !== 0) return false;
  }
  for (; i < to; i++) if (words[i] !== 0) return false;
  return true;
}

/** The words of whole sectors. */
const wordsOf = (bytes: Uint8Array): Int32Array => new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);

/** `bytes`: whole sectors at the start of a buffer, or aligned to words in it. */
export const isZero: ZeroTest = (bytes, from, to) => wordsAreZero(wordsOf(bytes), from / 4, to / 4);

/** The runs of `bytes`, whole sectors that lie at offset `at` of the disk. */
export function* zeroRuns(bytes: Uint8Array, at: number, { least, test = isZero }: ZeroRules): Generator<Run, void> {
  if (least === 0) {
    yield { from: 0, to: bytes.length, zero: false };
    return;
  }
  const block = blockOf(least);
  const words = wordsOf(bytes);
  /** Where the zeros before the data begin, and the data itself; −1: no data yet. */
  let zeros = 0;
  let data = -1;
  let dataEnd = 0;
  for (let from = 0; from < bytes.length; ) {
    let to = Math.min(bytes.length, from + block - ((at + from) % block));
    if (words[from / 4] === 0 && test(bytes, from, to)) {
      while (block <= STRIDE && to < bytes.length) {
        const further = Math.min(bytes.length, to + STRIDE);
        if (words[to / 4] !== 0 || !test(bytes, to, further)) break;
        to = further;
      }
      if (data >= 0 && to - dataEnd >= least) {
        yield { from: data, to: dataEnd, zero: false };
        zeros = dataEnd;
        data = -1;
      }
    } else {
      if (data < 0) {
        if (from > zeros) yield { from: zeros, to: from, zero: true };
        data = from;
      }
      dataEnd = to;
    }
    from = to;
  }
  if (data >= 0) {
    yield { from: data, to: dataEnd, zero: false };
    zeros = dataEnd;
  }
  if (zeros < bytes.length) yield { from: zeros, to: bytes.length, zero: true };
}
