/** Points L2 entries at claimed clusters whose bytes are written, and frees what they pointed at before. */
import { putU64 } from '../../../bytes/u64.ts';
import { assert } from '../../../errors.ts';
import { COPIED, Kind } from '../entry.ts';
import type { ImageState } from '../state.ts';
import type { Claim } from './claim.ts';
import { freeEntry } from './free-entry.ts';
import { sliceForWriting } from './l2-slice.ts';
import { bitRange, clusterKind, entryBytesOf, partBytesOf } from './subclusters.ts';

/**
 * `written`: false for preallocation, which leaves subclusters unallocated so that the backing image (or zeros) still
 * shows through.
 */
export function linkClaim(state: ImageState, claim: Claim, written = true): void {
  const { clusterSize, extendedL2 } = state.header;
  const entryBytes = entryBytesOf(state);
  state.beforeLinking();
  const { slice, index, left } = sliceForWriting(state, claim.guest);
  assert(claim.clusters <= left, 'a claim lies in one slice of an L2 table');
  const { view } = slice;
  state.l2Cache.markDirty(slice);
  const old: number[] = [];
  for (let i = 0; i < claim.clusters; i++) {
    const at = (index + i) * entryBytes;
    if (!claim.inPlace) {
      const kind = clusterKind(state, view, index + i);
      if (kind !== Kind.unallocated && kind !== Kind.zeroPlain) old.push(view.getInt32(at), view.getInt32(at + 4));
    }
    putU64(view, at, claim.host + i * clusterSize, COPIED);
    if (extendedL2 && written) setWritten(state, view, at, claim, i);
  }
  // Not given back to the host: the next write takes them anyway.
  for (let i = 0; i < old.length; i += 2) freeEntry(state, old[i] ?? 0, old[i + 1] ?? 0, 'never');
}

/** The subclusters of cluster `i` that the claim covers are allocated and no longer zero. */
function setWritten(state: ImageState, view: DataView, at: number, claim: Claim, i: number): void {
  const { clusterSize } = state.header;
  const part = partBytesOf(state);
  const from = Math.max(claim.from - i * clusterSize, 0);
  const to = Math.min(claim.to - i * clusterSize, clusterSize);
  const bits = bitRange(Math.floor(from / part), Math.ceil(to / part));
  view.setUint32(at + 8, view.getUint32(at + 8) & ~bits);
  view.setUint32(at + 12, view.getUint32(at + 12) | bits);
}
