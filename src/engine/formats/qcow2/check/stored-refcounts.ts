/**
 * The refcounts as the file has them: table, blocks, and for each cluster whether it counts exactly 1 (that
 * is all that COPIED asks).
 */
import type { ReadableDevice } from '../../../device/device.ts';
import { MAX_TRANSFER } from '../../../device/device.ts';
import type { ImageHeader } from '../image-header.ts';
import type { Findings } from './findings.ts';
import type { Marker } from './marker.ts';
import type { ReferenceCounts } from './reference-counts.ts';

const TWO_32 = 0x1_0000_0000;

/** Host offset of refcount block i, 0 = none or unusable. */
export interface StoredRefcounts {
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

/** Checks the table's entries and marks table and blocks; blocks that cannot be used are left out. */
export function readRefcountTable(
  device: ReadableDevice,
  header: ImageHeader,
  marker: Marker,
  counts: ReferenceCounts,
  findings: Findings,
): StoredRefcounts {
  const { clusterSize, refcountTable, refcountBits } = header;
  const bytes = refcountTable.clusters * clusterSize;
  const blocks = new Float64Array(bytes / 8);
  marker.mark('the refcount table', refcountTable.offset, bytes);
  readTable(device, refcountTable.offset, bytes, (view, from) => {
    for (let at = 0; at < view.byteLength; at += 8) {
      const upper = view.getUint32(at);
      const lower = view.getUint32(at + 4);
      if ((upper | lower) === 0) continue;
      const index = (from + at) / 8;
      const offset = upper * TWO_32 + ((lower & ~0x1ff) >>> 0);
      if ((lower & 0x1ff) !== 0) findings.corruption(`refcount table entry ${index}: reserved bits are set`);
      else if (offset % clusterSize !== 0) {
        findings.corruption(`refcount table entry ${index}: the block at ${offset} is not at the start of a cluster`);
      } else if (offset >= Math.ceil(device.size / clusterSize) * clusterSize) {
        findings.corruption(`refcount block ${index} at ${offset}: outside the file`);
      } else {
        marker.mark(`refcount block ${index}`, offset, clusterSize);
        const times = counts.get(offset / clusterSize);
        if (times === 1) blocks[index] = offset;
        else findings.corruption(`refcount block ${index} at ${offset}: its cluster is referenced ${times} times`);
      }
    }
  });
  return { blocks, blockRefcounts: (clusterSize * 8) / refcountBits };
}

/** The count in `slot` of a block's bytes; above 2^53 inexact, which no comparison here minds. */
export function refcountAt(block: DataView, slot: number, bits: number): number {
  switch (bits) {
    case 16:
      return block.getUint16(slot * 2);
    case 8:
      return block.getUint8(slot);
    case 32:
      return block.getUint32(slot * 4);
    case 64:
      return block.getUint32(slot * 8) * TWO_32 + block.getUint32(slot * 8 + 4);
    default: {
      const bit = slot * bits;
      return (block.getUint8(bit >>> 3) >> (bit & 7)) & ((1 << bits) - 1);
    }
  }
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
  if (block === 0) return 0;
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
  readonly #blocks = new Map<number, Uint8Array | 'all'>();
  readonly #slots: number;
  readonly #bits: number;

  constructor(slots: number, bits: number) {
    this.#slots = slots;
    this.#bits = bits;
  }

  addBlock(index: number, block: Uint8Array): void {
    if (isAllOne(block, this.#bits)) {
      this.#blocks.set(index, 'all');
      return;
    }
    const view = new DataView(block.buffer, block.byteOffset, block.byteLength);
    const set = new Uint8Array(Math.ceil(this.#slots / 8));
    for (let slot = 0; slot < this.#slots; slot++) {
      if (refcountAt(view, slot, this.#bits) === 1) set[slot >> 3] = (set[slot >> 3] ?? 0) | (1 << (slot & 7));
    }
    this.#blocks.set(index, set);
  }

  has(cluster: number): boolean {
    const index = Math.floor(cluster / this.#slots);
    const set = this.#blocks.get(index);
    if (set === undefined || set === 'all') return set === 'all';
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
