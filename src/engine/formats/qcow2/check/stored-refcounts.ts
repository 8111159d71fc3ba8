/**
 * The refcounts as the file has them: table, blocks, and for each cluster whether it counts exactly 1 (that
 * is all that COPIED asks).
 */
import type { ReadableDevice } from '../../../device/device.ts';
import { MAX_TRANSFER } from '../../../device/device.ts';
import type { ImageHeader } from '../image-header.ts';
import { refcountAt } from '../refcounts/refcount-bits.ts';
import type { Findings } from './findings.ts';
import type { Marker } from './marker.ts';
import type { ReferenceCounts } from './reference-counts.ts';

const TWO_32 = 0x1_0000_0000;
/** QEMU reads nothing behind it, not even zeros. */
export const LAST_READABLE = 2 ** 63 - 2 ** 30;

/** In the place of a block's offset: an entry names one, but no count can be read there. */
export const UNREADABLE = -1;

export interface StoredRefcounts {
  /** Host offset of refcount block i, 0 = none, or UNREADABLE. */
  readonly blocks: Float64Array;
  readonly blockRefcounts: number;
}

/** Reads a table of 64-bit entries piece by piece and hands each piece's view on. */
export function readTable(
  device: ReadableDevice,
  at: number,
  bytes: number,
  use: (view: DataView, from: number) => void,
): void {
  const buffer = new Uint8Array(Math.min(bytes, MAX_TRANSFER / 8));
  for (let from = 0; from < bytes; from += buffer.length) {
    const part = buffer.subarray(0, Math.min(buffer.length, bytes - from));
    device.read(at + from, part);
    use(new DataView(part.buffer, part.byteOffset, part.byteLength), from);
  }
}

const blockOffset = (upper: number, lower: number): number => upper * TWO_32 + ((lower & ~0x1ff) >>> 0);

/** Low word alone: an offset above 2^53 is not exact any more. */
const isAligned = (lower: number, clusterSize: number): boolean => (lower & (clusterSize - 1) & ~0x1ff) === 0;

/** What lies behind the end of the file is zeros, however much is claimed. */
function tableBytes(device: ReadableDevice, { refcountTable, clusterSize }: ImageHeader): number {
  const bytes = Math.min(refcountTable.clusters * clusterSize, Math.max(0, device.size - refcountTable.offset + 8));
  return bytes - (bytes % 8);
}

/** Entries of the refcount table with an offset, the reserved bits beside it and whether it is aligned. */
function readEntries(
  device: ReadableDevice,
  header: ImageHeader,
  use: (index: number, offset: number, lower: number) => void,
): void {
  readTable(device, header.refcountTable.offset, tableBytes(device, header), (view, from) => {
    for (let at = 0; at < view.byteLength; at += 8) {
      const upper = view.getUint32(at);
      const lower = view.getUint32(at + 4);
      if ((upper | lower) !== 0) use((from + at) / 8, blockOffset(upper, lower), lower);
    }
  });
}

/** Where the counts are read from. A block behind the end of the file counts 0 everywhere. */
export function readRefcountTable(device: ReadableDevice, header: ImageHeader): StoredRefcounts {
  const { clusterSize, refcountBits } = header;
  const blocks = new Float64Array(tableBytes(device, header) / 8);
  readEntries(device, header, (index, offset, lower) => {
    if (!isAligned(lower, clusterSize) || offset > LAST_READABLE - clusterSize) blocks[index] = UNREADABLE;
    else if (offset < device.size) blocks[index] = offset;
  });
  return { blocks, blockRefcounts: (clusterSize * 8) / refcountBits };
}

/**
 * Marks every refcount block, last of all, because its cluster belongs to nothing else. Returns whether the whole
 * structure must be built anew.
 */
export function checkBlocks(
  device: ReadableDevice,
  header: ImageHeader,
  marker: Marker,
  counts: ReferenceCounts,
  findings: Findings,
  repairing: boolean,
): boolean {
  const { clusterSize } = header;
  let rebuild = false;
  readEntries(device, header, (index, offset, lower) => {
    if ((lower & 0x1ff) !== 0) {
      findings.corruption(`refcount table entry ${index}: reserved bits are set`);
      rebuild = true;
      return;
    }
    if (!isAligned(lower, clusterSize)) {
      findings.corruption(`refcount table entry ${index}: the block at ${offset} is not at the start of a cluster`);
      rebuild = true;
      return;
    }
    if (offset >= Math.max(marker.end, counts.end * clusterSize)) {
      // A repair takes the file for as long as the block wants it: the block counts nothing then, and is replaced.
      const extended = repairing && marker.extend(offset + clusterSize);
      findings.corruption(`refcount block ${index} at ${offset}: outside the file`, extended);
      if (!extended) {
        if (repairing) rebuild = true;
        return;
      }
    }
    marker.mark(`refcount block ${index}`, offset, clusterSize);
    const times = counts.get(offset / clusterSize);
    if (times === 1) return;
    findings.corruption(`refcount block ${index} at ${offset}: its cluster is referenced ${times} times`);
    rebuild = true;
  });
  return rebuild;
}

/** The stored count of one cluster, read from its block: for the few that a finding names. */
export function storedCount(
  device: ReadableDevice,
  { blocks, blockRefcounts }: StoredRefcounts,
  bits: number,
  cluster: number,
): number {
  const index = Math.floor(cluster / blockRefcounts);
  const block = blocks[index] ?? 0;
  if (block <= 0) return 0;
  const slot = cluster - index * blockRefcounts;
  const perWord = 64 / bits;
  const word = Math.floor(slot / perWord);
  const bytes = new Uint8Array(8);
  device.read(block + word * 8, bytes);
  return refcountAt(new DataView(bytes.buffer), slot - word * perWord, bits);
}

/** A block whose every count is 1, by far the usual kind: told by comparing eight bytes at a time. */
export function isAllOne(block: Uint8Array, bits: number): boolean {
  const one = ONES[bits] ?? Number.NaN;
  // The pattern of 1-bit counts is all ones, which as a double is not equal to itself.
  if (Number.isNaN(one)) return block.every((byte) => byte === 0xff);
  const words = new Float64Array(block.buffer, block.byteOffset, block.length / 8);
  for (let i = 0; i < words.length; i++) if (words[i] !== one) return false;
  return true;
}

/** Eight bytes of a block full of ones, read as a double: the only 64-bit word that is compared at full speed. */
const ONES: Readonly<Record<number, number>> = Object.fromEntries(
  [2, 4, 8, 16, 32, 64].map((bits) => {
    const pattern = new Uint8Array(8);
    for (let slot = 0; slot < 64 / bits; slot++) {
      if (bits >= 8) pattern[((slot + 1) * bits) / 8 - 1] = 1;
      else pattern[(slot * bits) >> 3] = (pattern[(slot * bits) >> 3] ?? 0) | (1 << ((slot * bits) & 7));
    }
    return [bits, new Float64Array(pattern.buffer)[0] ?? Number.NaN];
  }),
);

/** Which clusters are stored with a count of exactly 1: per refcount block all of them, or a set of bits. */
export class CountsOne {
  readonly #blocks = new Map<number, Uint8Array | 'all' | 'unreadable'>();
  readonly #slots: number;
  readonly #bits: number;

  constructor(slots: number, bits: number) {
    this.#slots = slots;
    this.#bits = bits;
  }

  /** Reads every block once; yields how many bytes have been read. */
  *learn(device: ReadableDevice, { blocks }: StoredRefcounts, clusterSize: number): Generator<number, void> {
    const buffer = new Uint8Array(clusterSize);
    // A hostile table could name one block a million times.
    const known = new Map<number, Uint8Array | 'all'>();
    for (let index = 0; index < blocks.length; index++) {
      const offset = blocks[index] ?? 0;
      if (offset === 0) continue;
      if (offset === UNREADABLE) {
        this.#blocks.set(index, 'unreadable');
        continue;
      }
      let ones = known.get(offset);
      if (ones === undefined) {
        device.read(offset, buffer);
        ones = this.#onesOf(buffer);
        known.set(offset, ones);
      }
      this.#blocks.set(index, ones);
      yield clusterSize;
    }
  }

  #onesOf(block: Uint8Array): Uint8Array | 'all' {
    if (isAllOne(block, this.#bits)) return 'all';
    const view = new DataView(block.buffer, block.byteOffset, block.byteLength);
    const set = new Uint8Array(Math.ceil(this.#slots / 8));
    // The rest of a block is zeros more often than not: passed a word at a time.
    const words = new Int32Array(block.buffer, block.byteOffset, block.byteLength / 4);
    const perWord = Math.max(1, 32 / this.#bits);
    for (let slot = 0; slot < this.#slots; ) {
      if (this.#bits <= 32 && words[slot / perWord] === 0) {
        slot += perWord;
        continue;
      }
      for (const end = slot + perWord; slot < end; slot++) {
        if (refcountAt(view, slot, this.#bits) === 1) set[slot >> 3] = (set[slot >> 3] ?? 0) | (1 << (slot & 7));
      }
    }
    return set;
  }

  /** Every count of this block is 1. */
  isAllOne(index: number): boolean {
    return this.#blocks.get(index) === 'all';
  }

  /** Whether the count of this cluster can be read at all. */
  isReadable(cluster: number): boolean {
    return this.#blocks.get(Math.floor(cluster / this.#slots)) !== 'unreadable';
  }

  has(cluster: number): boolean {
    const index = Math.floor(cluster / this.#slots);
    const set = this.#blocks.get(index);
    if (set === undefined || typeof set === 'string') return set === 'all';
    const slot = cluster - index * this.#slots;
    return (((set[slot >> 3] ?? 0) >> (slot & 7)) & 1) === 1;
  }

  /** All of [first, first + count) count 1. */
  hasAll(first: number, count: number): boolean {
    for (let cluster = first; cluster < first + count; ) {
      const index = Math.floor(cluster / this.#slots);
      if (this.#blocks.get(index) === 'all') cluster = (index + 1) * this.#slots;
      else if (this.has(cluster)) cluster++;
      else return false;
    }
    return true;
  }
}
