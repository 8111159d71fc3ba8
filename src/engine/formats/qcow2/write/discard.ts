/**
 * Gives whole clusters of the disk up (contract: operations.md, Discard). What is left reads as zeros, or with `expose`
 * shows what the image rests on.
 */
import { Kind, READS_ZERO } from '../entry.ts';
import type { FreeKind } from '../refcounts/freed-space.ts';
import type { ImageState } from '../state.ts';
import { freeEntry } from './free-entry.ts';
import { sliceForWriting } from './l2-slice.ts';
import { clusterKind } from './subclusters.ts';

/** `hide`: zeros, the backing image stays hidden; `expose`: the entry says nothing any more. */
export type Discarded = 'hide' | 'expose';

/** The guest's request: clusters that are not covered as a whole stay as they are. */
export function discardGuest(state: ImageState, at: number, length: number): void {
  const { clusterSize, version, virtualSize } = state.header;
  // An old image could only show what lies below.
  if (version < 3 && state.hasBacking) return;
  const from = Math.ceil(at / clusterSize) * clusterSize;
  const end = at + length;
  const to = end === virtualSize ? end : Math.floor(end / clusterSize) * clusterSize;
  if (to <= from) return;
  discardClusters(state, from, to - from, 'request', 'hide');
}

/** `at` at the start of a cluster; the cluster at the end counts as whole. */
export function discardClusters(state: ImageState, at: number, length: number, kind: FreeKind, left: Discarded): void {
  const { clusterSize } = state.header;
  const clusters = Math.ceil(length / clusterSize);
  for (let done = 0; done < clusters; ) {
    done += discardInSlice(state, at + done * clusterSize, clusters - done, kind, left);
  }
  state.freed.giveBack();
}

/** As many clusters as the slice has; how many that were. */
export function discardInSlice(
  state: ImageState,
  at: number,
  clusters: number,
  kind: FreeKind,
  afterwards: Discarded,
): number {
  const { extendedL2, version } = state.header;
  const entryBytes = extendedL2 ? 16 : 8;
  const { slice, index, left } = sliceForWriting(state, at);
  const count = Math.min(left, clusters);
  const { view } = slice;
  const freed: number[] = [];
  let changed = false;
  for (let i = index; i < index + count; i++) {
    const place = i * entryBytes;
    const upper = view.getInt32(place);
    const lower = view.getInt32(place + 4);
    const zero = extendedL2 ? view.getUint32(place + 8) : 0;
    const allocated = extendedL2 ? view.getUint32(place + 12) : 0;
    let nowLower = 0;
    let nowZero = 0;
    if (afterwards === 'hide') {
      const type = clusterKind(state, view, i);
      // Nothing here and nothing below: it reads as zeros already, and so does a zero cluster without a place.
      if (!state.hasBacking && (type === Kind.unallocated || type === Kind.zeroPlain)) continue;
      if (extendedL2) nowZero = 0xffff_ffff;
      else nowLower = version >= 3 ? READS_ZERO : 0;
    }
    if (upper === 0 && lower === nowLower && zero === nowZero && allocated === 0) continue;
    changed = true;
    view.setInt32(place, 0);
    view.setInt32(place + 4, nowLower);
    if (extendedL2) {
      view.setUint32(place + 8, nowZero);
      view.setUint32(place + 12, 0);
    }
    freed.push(upper, lower);
  }
  if (changed) state.l2Cache.markDirty(slice);
  for (let i = 0; i < freed.length; i += 2) freeEntry(state, freed[i] ?? 0, freed[i + 1] ?? 0, kind);
  return count;
}
