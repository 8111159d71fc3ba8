/**
 * The refcount table on the disk: a new block is hooked in, or the whole table moves to a larger place (contract:
 * systems.md rows 44 to 46). Whatever the table will point at is on the disk before it does.
 */

import { putU64 } from '../../../bytes/u64.ts';
import type { WritableDevice } from '../../../device/device.ts';
import { MAX_TRANSFER } from '../../../device/device.ts';
import { DiskwrightError } from '../../../errors.ts';
import { type Geometry, refcountNeed, wholeTable } from '../geometry.ts';
import { MAX_REFCOUNT_TABLE_BYTES } from '../limits.ts';
import { setRefcount } from './refcount-bits.ts';
import type { Refcounts } from './refcounts.ts';

export interface Place {
  readonly offset: number;
  readonly bytes: number;
}

/** What moving the table needs of the open image. */
export interface TableHost {
  readonly device: WritableDevice;
  readonly geometry: Pick<Geometry, 'clusterSize' | 'blockRefcounts' | 'tableEntries'>;
  readonly refcounts: Refcounts;
  /** Where the table is now. */
  refcountTable(): { readonly offset: number; readonly clusters: number };
  /** Points the header at another table: one write, then a flush. */
  switchRefcountTable(table: { readonly offset: number; readonly clusters: number }): void;
  /** Refuses a write that would hit other metadata. */
  guard(at: number, bytes: number, own: 'refcountTable'): void;
  /** There is one more refcount block. */
  blockAdded(offset: number): void;
  /** All of them may be others. */
  blocksReplaced(): void;
}

export class TableMaker {
  readonly #host: TableHost;

  constructor(host: TableHost) {
    this.#host = host;
  }

  /** Entry `index` of the table names the block at `offset` from now on. */
  hook(index: number, offset: number): void {
    const { device, refcounts } = this.#host;
    const at = this.#host.refcountTable().offset + index * 8;
    const entry = new DataView(new ArrayBuffer(8));
    putU64(entry, 0, offset);
    this.#host.guard(at, 8, 'refcountTable');
    device.write(at, new Uint8Array(entry.buffer));
    device.flush();
    refcounts.blocks[index] = offset;
    this.#host.blockAdded(offset);
  }

  /**
   * A new table at cluster `base`, behind the blocks that are missing to count everything up to `base`, themselves
   * and `more` clusters behind. `generous`: with room to grow. `hook`: a block that the old table had no entry for.
   * Returns the old table's place, which is the caller's to free, and the first cluster behind the new one.
   */
  move(
    base: number,
    size: 'generous' | 'exact',
    hook?: { readonly index: number; readonly offset: number },
    more = 0,
  ): Place & { readonly end: number } {
    const { geometry, refcounts, device } = this.#host;
    const { clusterSize, blockRefcounts, tableEntries } = geometry;
    const need = refcountNeed(base + more, geometry, size === 'generous').blocks;
    const entries = wholeTable(size === 'generous' ? need + Math.ceil(need / 2) : need, geometry);
    if (entries * 8 > MAX_REFCOUNT_TABLE_BYTES) {
      throw new DiskwrightError('out-of-range', 'qcow2: the refcount table would exceed 8 MiB.', {
        fix: 'Use an image with larger clusters.',
      });
    }
    const blocks = new Float64Array(entries);
    blocks.set(refcounts.blocks.subarray(0, entries));
    if (hook) blocks[hook.index] = hook.offset;
    let next = base;
    const made: number[] = [];
    for (let index = Math.floor(base / blockRefcounts); index < need; index++) {
      if (blocks[index]) continue;
      blocks[index] = next++ * clusterSize;
      made.push(index);
    }
    const table = { offset: next * clusterSize, clusters: entries / tableEntries };
    const end = next + table.clusters;
    this.#fillBlocks(blocks, new Set(made), base, end, need);
    this.#writeTable(table.offset, blocks);
    const old = this.#host.refcountTable();
    this.#host.switchRefcountTable(table);
    refcounts.blocks = blocks;
    this.#host.blocksReplaced();
    device.flush();
    return { offset: old.offset, bytes: old.clusters * clusterSize, end };
  }

  /** Counts 1 for clusters [base, end), in blocks that are new or were there before. */
  #fillBlocks(blocks: Float64Array, made: ReadonlySet<number>, base: number, end: number, need: number): void {
    const { geometry, refcounts } = this.#host;
    const { blockRefcounts } = geometry;
    const { cache, bits } = refcounts;
    for (let index = Math.floor(base / blockRefcounts); index < need; index++) {
      const offset = blocks[index] ?? 0;
      const block = made.has(index) ? cache.getEmpty(offset) : cache.get(offset);
      const first = index * blockRefcounts;
      const to = Math.min(end, first + blockRefcounts);
      for (let cluster = Math.max(base, first); cluster < to; cluster++) {
        setRefcount(block.view, cluster - first, bits, 1);
      }
      cache.markDirty(block);
    }
    cache.flush();
  }

  #writeTable(at: number, blocks: Float64Array): void {
    const { device } = this.#host;
    const bytes = new Uint8Array(blocks.length * 8);
    const view = new DataView(bytes.buffer);
    for (let index = 0; index < blocks.length; index++) putU64(view, index * 8, blocks[index] ?? 0);
    this.#host.guard(at, bytes.length, 'refcountTable');
    for (let from = 0; from < bytes.length; from += MAX_TRANSFER) {
      device.write(at + from, bytes.subarray(from, from + MAX_TRANSFER));
    }
    device.flush();
  }
}
