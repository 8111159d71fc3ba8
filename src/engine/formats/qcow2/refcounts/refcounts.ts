/** The stored refcounts of an open image: the table in memory, the blocks in a cache (contract: qcow2-format.md §4). */
import type { ReadableDevice } from '../../../device/device.ts';
import { MAX_TRANSFER } from '../../../device/device.ts';
import type { Table, TableCache } from '../tables/table-cache.ts';
import { refcountAt } from './refcount-bits.ts';

const TWO_32 = 0x1_0000_0000;

/** Refcount blocks by number: byte offset, 0 = none. What lies behind the end of the file is zeros. */
export function readBlockOffsets(device: ReadableDevice, offset: number, bytes: number): Float64Array {
  const blocks = new Float64Array(bytes / 8);
  const there = Math.max(0, Math.min(bytes, device.size - offset));
  const piece = new Uint8Array(Math.min(bytes, MAX_TRANSFER));
  const view = new DataView(piece.buffer);
  for (let from = 0; from < there; from += piece.length) {
    const part = piece.subarray(0, Math.min(piece.length, bytes - from));
    device.read(offset + from, part);
    for (let at = 0; at < part.length; at += 8) {
      blocks[(from + at) / 8] = view.getUint32(at) * TWO_32 + ((view.getUint32(at + 4) & ~0x1ff) >>> 0);
    }
  }
  return blocks;
}

export class Refcounts {
  #bits: number;
  readonly cache: TableCache;
  readonly #clusterSize: number;
  readonly #device: ReadableDevice;
  readonly #corrupt: (fact: string) => never;
  /** Byte offset of block i, 0 = none. */
  blocks: Float64Array;

  constructor(
    { clusterSize, refcountBits }: { readonly clusterSize: number; readonly refcountBits: number },
    device: ReadableDevice,
    blocks: Float64Array,
    cache: TableCache,
    corrupt: (fact: string) => never,
  ) {
    this.#bits = refcountBits;
    this.cache = cache;
    this.blocks = blocks;
    this.#clusterSize = clusterSize;
    this.#device = device;
    this.#corrupt = corrupt;
  }

  /** Width of a count. */
  get bits(): number {
    return this.#bits;
  }

  /** Counts of one block. */
  get perBlock(): number {
    return (this.#clusterSize * 8) / this.#bits;
  }

  /** Counts of another width have taken the place of these, on the disk already. */
  replace(bits: number, blocks: Float64Array): void {
    this.cache.clear();
    this.#bits = bits;
    this.blocks = blocks;
  }

  /** The block that counts `cluster`, undefined where there is none: all its counts are 0. */
  blockOf(cluster: number): Table | undefined {
    const index = Math.floor(cluster / this.perBlock);
    const offset = this.blocks[index] ?? 0;
    if (offset === 0) return undefined;
    if (offset % this.#clusterSize !== 0) {
      this.#corrupt(`refcount block ${index} at ${offset} is not at the start of a cluster`);
    }
    // A block is written before the table names it. One out there would count everything as free.
    if (offset >= this.#device.size)
      this.#corrupt(`refcount block ${index} at ${offset} lies behind the end of the file`);
    return this.cache.get(offset);
  }

  get(cluster: number): number {
    const block = this.blockOf(cluster);
    return block ? refcountAt(block.view, cluster % this.perBlock, this.bits) : 0;
  }

  /** One past the highest cluster below `end` that is in use, 0 if none is. */
  endBelow(end: number): number {
    for (let cluster = end - 1; cluster >= 0; ) {
      const block = this.blockOf(cluster);
      const first = cluster - (cluster % this.perBlock);
      if (block) {
        for (; cluster >= first; cluster--) {
          if (refcountAt(block.view, cluster - first, this.bits) !== 0) return cluster + 1;
        }
      }
      cluster = first - 1;
    }
    return 0;
  }
}
