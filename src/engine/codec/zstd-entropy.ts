/**
 * Entropy coding of zstd (RFC 8878, §4): bits read backwards, FSE tables, Huffman tables. Every size that a
 * stream can name is bounded before anything of that size is made.
 */
import { DiskwrightError } from '../errors.ts';

export const damaged = (fact: string): DiskwrightError => new DiskwrightError('corrupt', `zstd data: ${fact}`);

/** Bits from the end of a stretch to its beginning; the highest set bit of the last byte marks the start. */
export class BackwardBits {
  readonly #bytes: Uint8Array;
  /** Bits that are left; negative: more was taken than there was, and those bits were zeros. */
  left: number;

  constructor(bytes: Uint8Array) {
    const last = bytes[bytes.length - 1];
    if (last === undefined || last === 0) throw damaged('a bit stream has no end mark');
    this.#bytes = bytes;
    this.left = bytes.length * 8 - 8 + (31 - Math.clz32(last));
  }

  /** The next `count` bits, at most 25. */
  take(count: number): number {
    const bit = this.left - count;
    this.left = bit;
    const at = bit >>> 3;
    const bytes = this.#bytes;
    if (bit < 0 || at + 3 >= bytes.length) return this.#at(bit, count);
    const low = (bytes[at] as number) | ((bytes[at + 1] as number) << 8) | ((bytes[at + 2] as number) << 16);
    return ((low | ((bytes[at + 3] as number) << 24)) >>> (bit & 7)) & ((1 << count) - 1);
  }

  /** The next bits without taking them. */
  peek(count: number): number {
    return this.#at(this.left - count, count);
  }

  #at(bit: number, count: number): number {
    if (count === 0) return 0;
    const bytes = this.#bytes;
    if (bit < 0) {
      // The lowest bits are missing: zeros.
      const have = bit + count;
      return have <= 0 ? 0 : (this.#at(0, have) << -bit) & ((1 << count) - 1);
    }
    const at = bit >>> 3;
    const word =
      (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24);
    return (word >>> (bit & 7)) & ((1 << count) - 1);
  }
}

/** States of a finite state entropy code. */
export interface FseTable {
  readonly bits: number;
  readonly symbol: Uint8Array;
  readonly take: Uint8Array;
  readonly base: Uint16Array;
}

/** A table that has one symbol only. */
export const oneSymbol = (symbol: number): FseTable => ({
  bits: 0,
  symbol: Uint8Array.of(symbol),
  take: new Uint8Array(1),
  base: new Uint16Array(1),
});

/** `counts`: share of each symbol, −1 for less than one; they fill 2^bits exactly. */
export function fseTable(counts: readonly number[], bits: number): FseTable {
  const size = 1 << bits;
  const symbol = new Uint8Array(size);
  const take = new Uint8Array(size);
  const base = new Uint16Array(size);
  const next = new Uint16Array(256);
  let high = size;
  for (const [i, count] of counts.entries()) {
    if (count === -1) symbol[--high] = i;
    next[i] = Math.abs(count);
  }
  let place = 0;
  const step = (size >> 1) + (size >> 3) + 3;
  for (const [i, count] of counts.entries()) {
    for (let n = 0; n < count; n++) {
      symbol[place] = i;
      do place = (place + step) & (size - 1);
      while (place >= high);
    }
  }
  for (let state = 0; state < size; state++) {
    const value = symbol[state] ?? 0;
    const count = next[value] ?? 1;
    next[value] = count + 1;
    const width = bits - (31 - Math.clz32(count));
    take[state] = width;
    base[state] = (count << width) - size;
  }
  return { bits, symbol, take, base };
}

/** Reads a table's description from the start of `bytes`; `most`: how many bits a state may have. */
export function readFseTable(bytes: Uint8Array, most: number): { table: FseTable; used: number } {
  let bit = 4;
  const peek = (count: number): number => {
    const at = bit >>> 3;
    const word = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16);
    return (word >>> (bit & 7)) & ((1 << count) - 1);
  };
  const bits = ((bytes[0] ?? 0) & 15) + 5;
  if (bits > most) throw damaged(`a table of 2^${bits} states, at most 2^${most}`);
  const counts: number[] = [];
  let left = 1 << bits;
  while (left > 0) {
    if (counts.length > 255 || bit > bytes.length * 8) throw damaged('a table of states is broken');
    const width = 32 - Math.clz32(left + 1);
    // The lower values need one bit less.
    const short = (1 << width) - 1 - (left + 1);
    const small = peek(width - 1);
    let value = small;
    if (small < short) bit += width - 1;
    else {
      value = peek(width);
      if (value >= 1 << (width - 1)) value -= short;
      bit += width;
    }
    const count = value - 1;
    counts.push(count);
    left -= Math.abs(count);
    if (count !== 0) continue;
    for (let zeros = 3; zeros === 3; ) {
      zeros = peek(2);
      bit += 2;
      for (let i = 0; i < zeros; i++) counts.push(0);
      if (counts.length > 256) throw damaged('a table of states is broken');
    }
  }
  if (left < 0 || counts.length > 256) throw damaged('a table of states is broken');
  const used = (bit + 7) >> 3;
  if (used > bytes.length) throw damaged('a table of states breaks off');
  return { table: fseTable(counts, bits), used };
}

/** The next `bits` bits → symbol + length · 256. */
export interface HuffmanTable {
  readonly bits: number;
  readonly entries: Uint16Array;
}

const MAX_CODE_BITS = 11;

/** Weights that are themselves coded, two states taking turns. */
function fseWeights(bytes: Uint8Array): number[] {
  const { table, used } = readFseTable(bytes, 6);
  const stream = new BackwardBits(bytes.subarray(used));
  const weights: number[] = [];
  const states = [stream.take(table.bits), stream.take(table.bits)];
  if (stream.left < 0) throw damaged('Huffman weights break off');
  for (let turn = 0; weights.length < 255; turn ^= 1) {
    const state = states[turn] ?? 0;
    weights.push(table.symbol[state] ?? 0);
    states[turn] = (table.base[state] ?? 0) + stream.take(table.take[state] ?? 0);
    if (stream.left < 0) {
      weights.push(table.symbol[states[turn ^ 1] ?? 0] ?? 0);
      return weights;
    }
  }
  throw damaged('too many Huffman weights');
}

export function readHuffmanTable(bytes: Uint8Array): { table: HuffmanTable; used: number } {
  const head = bytes[0] ?? 0;
  let weights: number[];
  let used: number;
  if (head < 128) {
    used = 1 + head;
    if (used > bytes.length) throw damaged('Huffman weights break off');
    weights = fseWeights(bytes.subarray(1, used));
  } else {
    const count = head - 127;
    used = 1 + ((count + 1) >> 1);
    if (used > bytes.length) throw damaged('Huffman weights break off');
    weights = Array.from({ length: count }, (_, i) => ((bytes[1 + (i >> 1)] ?? 0) >> (i % 2 === 0 ? 4 : 0)) & 15);
  }
  return { table: huffmanTable(weights), used };
}

function huffmanTable(weights: number[]): HuffmanTable {
  let sum = 0;
  for (const weight of weights) {
    if (weight > MAX_CODE_BITS) throw damaged('a Huffman code is too long');
    if (weight > 0) sum += 1 << (weight - 1);
  }
  if (sum === 0) throw damaged('no Huffman codes');
  const bits = 32 - Math.clz32(sum);
  if (bits > MAX_CODE_BITS) throw damaged('a Huffman code is too long');
  // The last weight is what fills the table.
  const rest = (1 << bits) - sum;
  if ((rest & (rest - 1)) !== 0) throw damaged('Huffman codes do not fill their table');
  const all = [...weights, 32 - Math.clz32(rest)];
  const entries = new Uint16Array(1 << bits);
  let at = 0;
  for (let weight = 1; weight <= bits; weight++) {
    for (const [symbol, own] of all.entries()) {
      if (own !== weight) continue;
      entries.fill(symbol | ((bits + 1 - weight) << 8), at, at + (1 << (weight - 1)));
      at += 1 << (weight - 1);
    }
  }
  return { bits, entries };
}

/** Fills `out` from one stream, which must end exactly there. */
export function decodeHuffman(bytes: Uint8Array, { bits, entries }: HuffmanTable, out: Uint8Array): void {
  const stream = new BackwardBits(bytes);
  const mask = (1 << bits) - 1;
  for (let i = 0; i < out.length; i++) {
    // Where three bytes hold the next code and all of them are there, they are looked at in place.
    const bit = stream.left - bits;
    const at = bit >>> 3;
    let next: number;
    if (bit >= 0 && at + 2 < bytes.length) {
      const word = (bytes[at] as number) | ((bytes[at + 1] as number) << 8) | ((bytes[at + 2] as number) << 16);
      next = (word >>> (bit & 7)) & mask;
    } else next = stream.peek(bits);
    const entry = entries[next] ?? 0;
    out[i] = entry & 0xff;
    stream.left -= entry >> 8;
  }
  if (stream.left !== 0) throw damaged('a Huffman stream does not end where it should');
}
