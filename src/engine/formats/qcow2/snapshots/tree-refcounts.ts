/**
 * Counts what an L1 table refers to once more or once less, and brings COPIED marks in line with the counts (contract:
 * operations.md, Snapshots): L2 tables, data clusters, every host cluster that a compressed one touches.
 *
 * Marks go before counts rise and come after they have fallen, each on the disk before the other: a cut leaves marks
 * that are missing, which cost a copy, and never one too many.
 *
 * It works on a slice of an L2 table at a time and on runs of consecutive clusters in it. A slice is copied before its
 * clusters are counted: counting may move tables through the caches, and in a damaged image a table may even free
 * itself.
 */
import { DiskwrightError } from '../../../errors.ts';
import type { Steps } from '../../../image/writable.ts';
import { COPIED, compressedRange, Kind, kindOf, offsetOf } from '../entry.ts';
import { mostOf, refcountAt } from '../refcounts/refcount-bits.ts';
import type { ImageState } from '../state.ts';
import { ClusterSet } from '../tables/cluster-set.ts';
import { partOf } from './steps.ts';

/** Entries of L2 tables between two reports of progress. */
const PROGRESS_ENTRIES = 64 * 1024;

/** Where counting stands: everything before this entry of this L2 table has been counted. */
interface Reached {
  l1Index: number;
  /** Byte of the L2 table. */
  at: number;
}

export class TreeRefcounts {
  readonly #state: ImageState;
  readonly #clusterSize: number;
  readonly #entryBytes: number;
  readonly #sliceBytes: number;
  /** One slice of an L2 table, copied. */
  readonly #slice: DataView;

  constructor(state: ImageState) {
    this.#state = state;
    this.#clusterSize = state.header.clusterSize;
    this.#entryBytes = state.header.extendedL2 ? 16 : 8;
    this.#sliceBytes = state.l2Cache.tableBytes;
    this.#slice = new DataView(new ArrayBuffer(this.#sliceBytes));
  }

  /**
   * One reference more to everything below `l1` (big-endian entries); then nothing of it is marked. Says whether an
   * entry of `l1` has changed; to write it is the caller's. When it fails or is left, counts are as they were, and marks
   * may be missing.
   */
  *add(l1: DataView): Steps<boolean> {
    const { allocator, refcounts, l2Cache } = this.#state;
    const reached: Reached = { l1Index: 0, at: 0 };
    let finished = false;
    try {
      yield* this.#tables(l1, (table, index) => {
        reached.l1Index = index;
        reached.at = 0;
        for (let from = 0; from < this.#clusterSize; from += this.#sliceBytes) {
          this.#copySlice(table + from);
          if (this.#markSlice(table + from, false)) refcounts.cache.dependsOn(l2Cache);
          this.#runs(table + from, 0, this.#sliceBytes, (at, bytes, next) => {
            allocator.reference(at, bytes);
            reached.at = from + next;
          });
        }
        allocator.reference(table, this.#clusterSize);
        reached.l1Index = index + 1;
        reached.at = 0;
      });
      this.#state.flush();
      finished = true;
    } finally {
      if (!finished) this.#takeBack(l1, reached);
    }
    return this.markL1(l1);
  }

  /**
   * One reference less to everything below `l1`, which is no longer in use itself. Tables of the active L1 table keep
   * their marks: `mark` is for them.
   */
  *subtract(l1: DataView): Steps {
    const { allocator, refcounts, l1View } = this.#state;
    const count = (table: number): void => {
      for (let from = 0; from < this.#clusterSize; from += this.#sliceBytes) {
        this.#copySlice(table + from);
        this.#runs(table + from, 0, this.#sliceBytes, (at, bytes) => allocator.free(at, bytes, 'snapshot'));
      }
      allocator.free(table, this.#clusterSize, 'snapshot');
    };
    yield* partOf(0, 2, this.#tables(l1, count));
    this.#state.flush();
    const active = new ClusterSet();
    for (let index = 0; index < l1View.byteLength / 8; index++) {
      active.add(this.#tableAt(l1View, index) / this.#clusterSize);
    }
    const mark = (table: number): void => {
      const cluster = table / this.#clusterSize;
      if (!active.has(cluster) && refcounts.get(cluster) !== 0) this.#markTable(table);
    };
    yield* partOf(1, 2, this.#tables(l1, mark));
    this.#state.flush();
  }

  /** Marks what counts 1 below the active L1 table, and nothing else. Says whether an entry of `l1` has changed. */
  *mark(l1: DataView): Steps<boolean> {
    yield* this.#tables(l1, (table) => this.#markTable(table));
    this.#state.flush();
    return this.markL1(l1);
  }

  /**
   * Brings the marks of an L1 table in memory in line with the counts, or clears them all; bits that mean nothing go.
   * Says whether it has changed.
   */
  markL1(l1: DataView, wanted: 'counted' | 'none' = 'counted'): boolean {
    const { refcounts } = this.#state;
    let changed = false;
    for (let at = 0; at < l1.byteLength; at += 8) {
      const upper = l1.getInt32(at);
      const lower = l1.getInt32(at + 4);
      const table = offsetOf(upper, lower);
      if (table === 0) continue;
      const copied = wanted === 'counted' && refcounts.get(table / this.#clusterSize) === 1;
      const marked = (upper & 0x00ff_ffff) | (copied ? COPIED : 0);
      const plain = lower & ~0x1ff;
      if (marked === upper && plain === lower) continue;
      l1.setInt32(at, marked);
      l1.setInt32(at + 4, plain);
      changed = true;
    }
    return changed;
  }

  /** Throws `out-of-range` if a cluster of the tree has as many references as can be counted. */
  *refuseFull(l1: DataView): Steps {
    const { refcounts } = this.#state;
    const clusterSize = this.#clusterSize;
    const most = mostOf(refcounts.bits);
    const look = (first: number, count: number): void => {
      for (let cluster = first; cluster < first + count; cluster++) {
        if (refcounts.get(cluster) >= most) throw full(cluster, refcounts.bits);
      }
    };
    yield* this.#tables(l1, (table) => {
      look(table / clusterSize, 1);
      for (let from = 0; from < clusterSize; from += this.#sliceBytes) {
        this.#copySlice(table + from);
        this.#runs(table + from, 0, this.#sliceBytes, (at, bytes) => {
          const first = Math.floor(at / clusterSize);
          look(first, Math.floor((at + bytes - 1) / clusterSize) + 1 - first);
        });
      }
    });
  }

  /** Calls `visit` for each L2 table that `l1` names. */
  *#tables(l1: DataView, visit: (table: number, index: number) => void): Steps {
    const total = l1.byteLength / 8;
    let since = 0;
    for (let index = 0; index < total; index++) {
      const table = this.#tableAt(l1, index);
      if (table === 0) continue;
      visit(table, index);
      since += this.#clusterSize / this.#entryBytes;
      if (since < PROGRESS_ENTRIES) continue;
      since = 0;
      yield { done: index + 1, total };
    }
  }

  /** What was counted up to `reached` is counted back. */
  #takeBack(l1: DataView, reached: Reached): void {
    const { allocator } = this.#state;
    const clusterSize = this.#clusterSize;
    for (let index = 0; index <= reached.l1Index && index < l1.byteLength / 8; index++) {
      const table = this.#tableAt(l1, index);
      if (table === 0) continue;
      const whole = index < reached.l1Index;
      const end = whole ? clusterSize : reached.at;
      for (let from = 0; from < end; from += this.#sliceBytes) {
        this.#copySlice(table + from);
        this.#runs(table + from, 0, Math.min(this.#sliceBytes, end - from), (at, bytes) =>
          allocator.free(at, bytes, 'never'),
        );
      }
      if (whole) allocator.free(table, clusterSize, 'never');
    }
    this.#state.flush();
  }

  /** Byte offset of the L2 table that entry `index` names, 0 = none. */
  #tableAt(l1: DataView, index: number): number {
    const table = offsetOf(l1.getInt32(index * 8), l1.getInt32(index * 8 + 4));
    if (table % this.#clusterSize !== 0) {
      this.#state.corrupt(`L1 entry ${index} names an L2 table at ${table}, not at the start of a cluster`);
    }
    return table;
  }

  #copySlice(at: number): void {
    const { view } = this.#state.l2Cache.get(at);
    new Uint8Array(this.#slice.buffer).set(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
  }

  #kindAt(at: number): Kind {
    const lower = this.#slice.getInt32(at + 4);
    // With extended L2 bit 0 of the lower word means nothing.
    return kindOf(this.#slice.getInt32(at), this.#state.header.extendedL2 ? lower & ~1 : lower, false);
  }

  /**
   * Calls `visit` for what entries [from, to) of the copied slice hold: runs of consecutive clusters, and each
   * compressed cluster. `next` is the byte of the slice behind the run.
   */
  #runs(slice: number, from: number, to: number, visit: (at: number, bytes: number, next: number) => void): void {
    const { clusterSize, clusterBits } = this.#state.header;
    const step = this.#entryBytes;
    let start = 0;
    let bytes = 0;
    for (let at = from; at < to; at += step) {
      const upper = this.#slice.getInt32(at);
      const lower = this.#slice.getInt32(at + 4);
      if ((upper | lower) === 0) continue;
      const kind = this.#kindAt(at);
      if (kind === Kind.unallocated || kind === Kind.zeroPlain) continue;
      const host = offsetOf(upper, lower);
      if (kind !== Kind.compressed && host === start + bytes && bytes > 0) {
        bytes += clusterSize;
        continue;
      }
      if (bytes > 0) visit(start, bytes, at);
      bytes = 0;
      if (kind === Kind.compressed) {
        const range = compressedRange(upper, lower, clusterBits);
        visit(range.at, range.length, at + step);
        continue;
      }
      if (host % clusterSize !== 0) {
        this.#state.corrupt(`the L2 entry at ${slice + at} names a cluster at ${host}, not at the start of one`);
      }
      start = host;
      bytes = clusterSize;
    }
    if (bytes > 0) visit(start, bytes, to);
  }

  #markTable(table: number): void {
    for (let from = 0; from < this.#clusterSize; from += this.#sliceBytes) {
      this.#copySlice(table + from);
      this.#markSlice(table + from, true);
    }
  }

  /**
   * Clears COPIED in the slice at `slice`, of which a copy is here; `counted`: not where a cluster counts 1. Says
   * whether anything has changed.
   */
  #markSlice(slice: number, counted: boolean): boolean {
    const { refcounts, l2Cache } = this.#state;
    const { bits, perBlock } = refcounts;
    // The block of the entry before, which is mostly the next one's too.
    let first = 0;
    let block: DataView | undefined;
    let end = 0;
    let changed = false;
    for (let at = 0; at < this.#sliceBytes; at += this.#entryBytes) {
      const upper = this.#slice.getInt32(at);
      const lower = this.#slice.getInt32(at + 4);
      if ((upper | lower) === 0) continue;
      let copied = false;
      const kind = counted ? this.#kindAt(at) : Kind.unallocated;
      if (kind === Kind.normal || kind === Kind.zeroAllocated) {
        const cluster = Math.floor(offsetOf(upper, lower) / this.#clusterSize);
        if (cluster < first || cluster >= end) {
          first = cluster - (cluster % perBlock);
          end = first + perBlock;
          block = refcounts.blockOf(cluster)?.view;
        }
        copied = block !== undefined && refcountAt(block, cluster - first, bits) === 1;
      }
      const marked = copied ? upper | COPIED : upper & ~COPIED;
      if (marked === upper) continue;
      this.#slice.setInt32(at, marked);
      changed = true;
    }
    if (!changed) return false;
    const table = l2Cache.get(slice);
    new Uint8Array(table.view.buffer, table.view.byteOffset).set(new Uint8Array(this.#slice.buffer));
    l2Cache.markDirty(table);
    return true;
  }
}

function full(cluster: number, bits: number): DiskwrightError {
  return new DiskwrightError(
    'out-of-range',
    `qcow2: cluster ${cluster} has as many references as ${bits} bits can count.`,
    { fix: 'Amend the image to wider refcounts: refcount_bits.' },
  );
}
