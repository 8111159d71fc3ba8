/**
 * Raw deflate whose distances stay below 4 KiB, as QEMU writes compressed clusters: some readers inflate them in
 * pieces with a window of that size, and what a browser compresses itself has 32 KiB.
 *
 * Matches are looked for along hash chains; the levels are those of zlib: how many places are tried, and how good a
 * match must be to look no further or not to wait for a better one at the next byte.
 */
import { BitWriter, Block } from './deflate-block.ts';

const WINDOW = 4096;
const WINDOW_MASK = WINDOW - 1;
const HASH_BITS = 15;
/**
 * Matches of three bytes are looked for in short inputs alone: in long ones they make the chains longer, and three
 * literals cost about as much.
 */
const SHORT_INPUT = 8192;
/** A match of three bytes from further away costs more than its literals. */
const FAR_FOR_THREE = 1024;
/** Bytes that are read for a hash. */
const HASHED = 4;
const MOST_MATCH = 258;
/** Positions count on from one call to the next, so that nothing has to be cleared; then they begin again. */
const MOST_POSITION = 2 ** 28;

interface Level {
  /** From this length on a quarter of the places is tried. */
  readonly good: number;
  /** From this length on the next byte is not looked at; without waiting: longer matches are not entered. */
  readonly lazy: number;
  /** Good enough to stop. */
  readonly nice: number;
  readonly chain: number;
  /** Waits for a better match at the next byte. */
  readonly waits: boolean;
}

const level = (good: number, lazy: number, nice: number, chain: number, waits: boolean): Level => ({
  good,
  lazy,
  nice,
  chain,
  waits,
});

const LEVELS: readonly Level[] = [
  level(4, 4, 8, 4, false),
  level(4, 5, 16, 8, false),
  level(4, 6, 32, 32, false),
  level(4, 4, 16, 16, true),
  level(8, 16, 32, 32, true),
  level(8, 16, 128, 128, true),
  level(8, 32, 128, 256, true),
  level(32, 128, 258, 1024, true),
  level(32, 258, 258, 4096, true),
];

export class Deflater {
  readonly #level: Level;
  readonly #head = new Int32Array(1 << HASH_BITS);
  readonly #previous = new Int32Array(WINDOW);
  readonly #writer = new BitWriter();
  readonly #block = new Block(this.#writer);
  /** Position of the first byte of this call. */
  #base = WINDOW;
  /** Of the match found last. */
  #matchAt = 0;
  /** Shortest match that is looked for, and the bytes of a hash that count for it. */
  #least = HASHED;
  #mask = -1;

  /** `level`: 1 (fast) … 9 (small). */
  constructor(level: number) {
    const found = LEVELS[level - 1];
    if (!found) throw new Error(`internal error: there is no level ${level}`);
    this.#level = found;
  }

  /** Compresses `from` into `into`; returns the length, undefined where it does not fit. */
  deflate(from: Uint8Array, into: Uint8Array): number | undefined {
    if (this.#base + from.length > MOST_POSITION) {
      this.#head.fill(0);
      this.#base = WINDOW;
    }
    const short = from.length <= SHORT_INPUT;
    this.#least = short ? 3 : 4;
    this.#mask = short ? 0xff_ffff : -1;
    this.#writer.begin(into);
    this.#block.clear();
    const begun = this.#level.waits ? this.#deflateWaiting(from) : this.#deflateFast(from);
    this.#base += from.length + WINDOW;
    if (begun < 0 || !this.#block.write(from.subarray(begun), true)) return undefined;
    return this.#writer.end();
  }

  /** Enters the bytes at `i` and returns the last position with the same hash. */
  #enter(from: Uint8Array, i: number): number {
    const low = (from[i] as number) | ((from[i + 1] as number) << 8);
    const high = (from[i + 2] as number) | ((from[i + 3] as number) << 8);
    const hash = Math.imul((low | (high << 16)) & this.#mask, 0x9e3779b1) >>> (32 - HASH_BITS);
    const position = this.#base + i;
    const last = this.#head[hash] as number;
    this.#previous[position & WINDOW_MASK] = last;
    this.#head[hash] = position;
    return last;
  }

  /** Length of the best match at `i` that is longer than `least`, else `least`; `#matchAt` tells where. */
  #longest(from: Uint8Array, i: number, first: number, least: number): number {
    const { good, nice, chain } = this.#level;
    const base = this.#base;
    const previous = this.#previous;
    const most = Math.min(MOST_MATCH, from.length - i);
    const enough = Math.min(nice, most);
    const limit = Math.max(base, base + i - WINDOW + 1);
    let best = least;
    if (best >= most) return best;
    let tries = best >= good ? chain >> 2 : chain;
    const start = from[i];
    let end = from[i + best];
    let beforeEnd = from[i + best - 1];
    for (let position = first; position >= limit && tries > 0; tries--) {
      const at = position - base;
      if (from[at + best] === end && from[at + best - 1] === beforeEnd && from[at] === start) {
        let length = 1;
        while (length < most && from[at + length] === from[i + length]) length++;
        if (length > best) {
          best = length;
          this.#matchAt = at;
          if (best >= enough) break;
          end = from[i + best];
          beforeEnd = from[i + best - 1];
        }
      }
      position = previous[position & WINDOW_MASK] as number;
    }
    if (best === 3 && i - this.#matchAt > FAR_FOR_THREE) {
      this.#matchAt = -1;
      return least;
    }
    return best;
  }

  /** Writes a full block; false where there is no room. */
  #full(plain: Uint8Array): boolean {
    return this.#block.write(plain, false);
  }

  /** Returns where the last block begins, −1: no room. */
  #deflateFast(from: Uint8Array): number {
    const block = this.#block;
    const { lazy } = this.#level;
    const { length } = from;
    const least = this.#least;
    const lastEntry = length - HASHED;
    let begun = 0;
    for (let i = 0; i < length; ) {
      const found = i <= lastEntry ? this.#longest(from, i, this.#enter(from, i), least - 1) : 0;
      if (found >= least) {
        block.match(found, i - this.#matchAt);
        const end = i + found;
        if (found <= lazy) for (i++; i < end; i++) if (i <= lastEntry) this.#enter(from, i);
        i = end;
      } else block.literal(from[i++] as number);
      if (block.full && i < length) {
        if (!this.#full(from.subarray(begun, i))) return -1;
        begun = i;
      }
    }
    return begun;
  }

  #deflateWaiting(from: Uint8Array): number {
    const block = this.#block;
    const { lazy } = this.#level;
    const { length } = from;
    const least = this.#least;
    const lastEntry = length - HASHED;
    let begun = 0;
    /** Of the byte before: its match, and whether it waits for the decision. */
    let before = least - 1;
    let beforeAt = 0;
    let waiting = false;
    for (let i = 0; i < length; ) {
      let found = least - 1;
      if (i <= lastEntry) {
        const last = this.#enter(from, i);
        if (before < lazy) {
          this.#matchAt = -1;
          const longest = this.#longest(from, i, last, before);
          if (this.#matchAt >= 0) found = longest;
        }
      }
      if (before >= least && found <= before) {
        block.match(before, i - 1 - beforeAt);
        const end = i - 1 + before;
        for (i++; i < end; i++) if (i <= lastEntry) this.#enter(from, i);
        waiting = false;
        before = least - 1;
        if (block.full && i < length) {
          if (!this.#full(from.subarray(begun, i))) return -1;
          begun = i;
        }
        continue;
      }
      if (waiting) {
        block.literal(from[i - 1] as number);
        if (block.full) {
          if (!this.#full(from.subarray(begun, i))) return -1;
          begun = i;
        }
      }
      waiting = true;
      before = found;
      beforeAt = this.#matchAt;
      i++;
    }
    if (waiting) block.literal(from[length - 1] as number);
    return begun;
  }
}
