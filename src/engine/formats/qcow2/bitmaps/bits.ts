/**
 * The bits of one dirty bitmap: bit n stands for bytes [n·g, (n+1)·g) of the disk, in the form in which they are
 * stored, a page for each cluster of bits.
 *
 * Only pages that have changed since the image was opened are in memory; the others stay in the file and are read
 * when they are needed, and a page of ones is one that all share. So a bitmap costs what was written to the disk, not
 * what it could hold.
 */
import { divideUp } from '../../../bytes/math.ts';
import type { ReadableDevice } from '../../../device/device.ts';
import { ALL_ONES, bitmapBytes } from '../bitmaps.ts';

export interface BitsShape {
  readonly clusterSize: number;
  readonly granularityBits: number;
  /** Bytes of the disk. */
  readonly diskSize: number;
}

/** Where the bits of a stored bitmap are: byte offsets, 0, or ALL_ONES. */
export interface StoredBits {
  readonly device: ReadableDevice;
  readonly table: Float64Array;
}

export class Bits {
  readonly granularityBits: number;
  readonly #granularity: number;
  readonly #pageBytes: number;
  readonly #ones: Uint8Array;
  readonly #changed = new Map<number, Uint8Array>();
  #stored: StoredBits | undefined;
  #diskSize: number;

  constructor({ clusterSize, granularityBits, diskSize }: BitsShape, stored?: StoredBits) {
    this.granularityBits = granularityBits;
    this.#granularity = 2 ** granularityBits;
    this.#pageBytes = clusterSize;
    this.#ones = new Uint8Array(clusterSize).fill(0xff);
    this.#diskSize = diskSize;
    this.#stored = stored;
  }

  get diskSize(): number {
    return this.#diskSize;
  }

  /** How many pages cover the disk. */
  get pages(): number {
    return divideUp(bitmapBytes(this.#diskSize, this.granularityBits), this.#pageBytes);
  }

  /** Marks the bytes [at, at + length) of the disk. */
  set(at: number, length: number): void {
    const end = Math.min(at + length, this.#diskSize);
    if (at >= end) return;
    const lastBit = Math.floor((end - 1) / this.#granularity);
    const bitsOfPage = this.#pageBytes * 8;
    for (let bit = Math.floor(at / this.#granularity); bit <= lastBit; ) {
      const page = Math.floor(bit / bitsOfPage);
      const from = bit - page * bitsOfPage;
      const to = Math.min(lastBit + 1 - page * bitsOfPage, bitsOfPage);
      if (from === 0 && to === bitsOfPage) this.#changed.set(page, this.#ones);
      else setBits(this.#pageToChange(page), from, to);
      bit += to - from;
    }
  }

  /** No bit is set any more. */
  clear(): void {
    this.#changed.clear();
    this.#stored = undefined;
  }

  /** The disk has another size: bits behind its end go, new ones are 0. */
  resize(diskSize: number): void {
    const bits = divideUp(diskSize, this.#granularity);
    const before = divideUp(this.#diskSize, this.#granularity);
    if (bits < before) {
      const bitsOfPage = this.#pageBytes * 8;
      const pages = this.pages;
      for (let page = Math.floor(bits / bitsOfPage); page < pages; page++) {
        const from = Math.max(0, bits - page * bitsOfPage);
        if (from > 0) clearFrom(this.#pageToChange(page), from);
        else if (this.#changed.has(page) || this.#stored?.table[page]) this.#changed.set(page, new Uint8Array(0));
      }
    }
    this.#diskSize = diskSize;
  }

  /** Fills `into` (a page) as it is to be stored; false, with `into` undefined, where no bit is set. */
  readPage(page: number, into: Uint8Array): boolean {
    const bytes = this.#bytesOf(page);
    if (!this.#load(page, into)) return false;
    into.fill(0, bytes);
    const bits = Math.min(
      this.#pageBytes * 8,
      divideUp(this.#diskSize, this.#granularity) - page * this.#pageBytes * 8,
    );
    const whole = Math.floor(bits / 8);
    for (let i = 0; i < whole; i++) if (into[i] !== 0) return true;
    return bits % 8 !== 0 && ((into[whole] ?? 0) & ((1 << (bits % 8)) - 1)) !== 0;
  }

  /** Calls `visit` for every stretch of the disk that is marked, in order. */
  visit(visit: (at: number, length: number) => void): void {
    const page = new Uint8Array(this.#pageBytes);
    const bitsOfPage = this.#pageBytes * 8;
    const allBits = divideUp(this.#diskSize, this.#granularity);
    const pages = this.pages;
    let start = -1;
    const end = (bit: number): void => {
      const at = start * this.#granularity;
      visit(at, Math.min(bit * this.#granularity, this.#diskSize) - at);
      start = -1;
    };
    for (let index = 0; index < pages; index++) {
      const first = index * bitsOfPage;
      if (!this.readPage(index, page)) {
        if (start >= 0) end(first);
        continue;
      }
      const bits = Math.min(bitsOfPage, allBits - first);
      for (let bit = 0; bit < bits; bit++) {
        const byte = page[bit >>> 3] ?? 0;
        // A whole byte that goes on as it was is passed at once.
        if ((bit & 7) === 0 && byte === (start >= 0 ? 0xff : 0) && bit + 8 <= bits) bit += 7;
        else if (((byte >>> (bit & 7)) & 1) === (start >= 0 ? 1 : 0)) continue;
        else if (start >= 0) end(first + bit);
        else start = first + bit;
      }
    }
    if (start >= 0) end(allBits);
  }

  /** Bytes of a page that mean something: the last one may have fewer than the others. */
  #bytesOf(page: number): number {
    return Math.min(this.#pageBytes, bitmapBytes(this.#diskSize, this.granularityBits) - page * this.#pageBytes);
  }

  /** False: all zeros. */
  #load(page: number, into: Uint8Array): boolean {
    const changed = this.#changed.get(page);
    if (changed) {
      into.set(changed);
      return changed.length > 0;
    }
    const place = this.#stored?.table[page] ?? 0;
    if (place === 0) return false;
    if (place === ALL_ONES) into.fill(0xff);
    else this.#stored?.device.read(place, into);
    return true;
  }

  #pageToChange(page: number): Uint8Array {
    const changed = this.#changed.get(page);
    if (changed && changed !== this.#ones && changed.length > 0) return changed;
    const bytes = new Uint8Array(this.#pageBytes);
    if (this.#load(page, bytes)) bytes.fill(0, this.#bytesOf(page));
    this.#changed.set(page, bytes);
    return bytes;
  }
}

/** Sets bits [from, to), which may be none. */
function setBits(page: Uint8Array, from: number, to: number): void {
  let bit = from;
  for (; bit < to && (bit & 7) !== 0; bit++) page[bit >>> 3] = (page[bit >>> 3] ?? 0) | (1 << (bit & 7));
  const whole = bit + Math.floor((to - bit) / 8) * 8;
  page.fill(0xff, bit >>> 3, whole >>> 3);
  for (bit = whole; bit < to; bit++) page[bit >>> 3] = (page[bit >>> 3] ?? 0) | (1 << (bit & 7));
}

function clearFrom(page: Uint8Array, from: number): void {
  page[from >>> 3] = (page[from >>> 3] ?? 0) & ((1 << (from & 7)) - 1);
  page.fill(0, (from >>> 3) + 1);
}
