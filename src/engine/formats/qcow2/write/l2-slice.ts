/** The slice of an L2 table that maps a guest offset, for looking and for changing. */
import type { ImageState } from '../state.ts';
import { growL1 } from '../tables/l1-growth.ts';
import type { Table } from '../tables/table-cache.ts';
import { entryBytesOf } from './subclusters.ts';

export interface SliceAt {
  readonly slice: Table;
  /** The entry of the guest offset, counted from the start of the slice. */
  readonly index: number;
  /** Entries from there to the end of the slice. */
  readonly left: number;
}

interface Position {
  readonly l1Index: number;
  /** Byte offset of the slice in its table. */
  readonly sliceAt: number;
  readonly index: number;
  readonly left: number;
}

function positionOf(state: ImageState, guest: number): Position {
  const { clusterSize } = state.header;
  const entryBytes = entryBytesOf(state);
  const perTable = clusterSize / entryBytes;
  const perSlice = state.l2Cache.tableBytes / entryBytes;
  const cluster = Math.floor(guest / clusterSize);
  const l1Index = Math.floor(cluster / perTable);
  const inTable = cluster - l1Index * perTable;
  const index = inTable % perSlice;
  return { l1Index, sliceAt: (inTable - index) * entryBytes, index, left: perSlice - index };
}

function checkedOffset(state: ImageState, l1Index: number): number {
  const offset = state.l1.offsetOf(l1Index);
  if (offset % state.header.clusterSize !== 0) {
    state.corrupt(`L1 entry ${l1Index}: the L2 table at ${offset} is not at the start of a cluster`);
  }
  return offset;
}

/** A slice that belongs to this image's disk alone: a missing table is made, a shared one copied (row 48). */
export function sliceForWriting(state: ImageState, guest: number): SliceAt {
  const { l1Index, sliceAt, index, left } = positionOf(state, guest);
  if (l1Index >= state.l1.entries) growL1(state, l1Index + 1, false);
  const old = checkedOffset(state, l1Index);
  // A table is written before the L1 entry names it.
  if (old >= state.image.size)
    state.corrupt(`L1 entry ${l1Index}: the L2 table at ${old} lies behind the end of the file`);
  if (!state.l1.isCopied(l1Index)) {
    makeTable(state, l1Index, old);
    if (old !== 0) state.allocator.free(old, state.header.clusterSize, 'other');
  }
  return { slice: state.l2Cache.get(state.l1.offsetOf(l1Index) + sliceAt), index, left };
}

/** The slice as it is; undefined where there is no table. */
export function sliceForReading(state: ImageState, guest: number): SliceAt | undefined {
  const { l1Index, sliceAt, index, left } = positionOf(state, guest);
  if (l1Index >= state.l1.entries) return undefined;
  const offset = checkedOffset(state, l1Index);
  return offset === 0 ? undefined : { slice: state.l2Cache.get(offset + sliceAt), index, left };
}

/** A new L2 table, a copy of the `old` one or zeros; on the disk before the L1 entry points at it. */
function makeTable(state: ImageState, l1Index: number, old: number): void {
  const { allocator, refcounts, l2Cache, l1 } = state;
  const { clusterSize } = state.header;
  const offset = allocator.alloc(1) * clusterSize;
  if (offset === 0) state.corrupt('an L2 table would lie at the header');
  try {
    refcounts.cache.flush();
    for (let at = 0; at < clusterSize; at += l2Cache.tableBytes) {
      const copy = l2Cache.getEmpty(offset + at);
      if (old !== 0) {
        const from = l2Cache.get(old + at).view;
        new Uint8Array(copy.view.buffer).set(new Uint8Array(from.buffer));
      }
      l2Cache.markDirty(copy);
    }
    l2Cache.flush();
    l1.set(l1Index, offset, true);
  } catch (error) {
    if (l1.offsetOf(l1Index) !== offset) allocator.free(offset, clusterSize, 'never');
    throw error;
  }
}
