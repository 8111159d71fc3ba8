/** Frees what an L2 entry that was just overwritten pointed at (contract: systems.md row 54). */
import { COPIED, compressedRange, Kind, kindOf, offsetOf, READS_ZERO } from '../entry.ts';
import type { FreeKind } from '../refcounts/freed-space.ts';
import type { ImageState } from '../state.ts';

/** The two words of the entry. Clusters of a data file count nothing: they are zeroed where the guest gave them up. */
export function freeEntry(state: ImageState, upper: number, lower: number, kind: FreeKind): void {
  const { clusterSize, clusterBits, extendedL2 } = state.header;
  // With extended L2 bit 0 is no flag, and a place is all that counts here.
  const type = kindOf(upper, extendedL2 ? lower & ~READS_ZERO : lower, state.external);
  if (state.external) {
    const placed = type === Kind.normal || type === Kind.zeroAllocated;
    if (placed && kind !== 'never' && (kind === 'always' || state.options.passDiscard[kind])) {
      zeroInData(state, offsetOf(upper, lower), clusterSize);
    }
    return;
  }
  if (type === Kind.compressed) {
    const { at, length } = compressedRange(upper & ~COPIED, lower, clusterBits);
    if (kind !== 'never') state.freed.afterTables();
    state.allocator.free(at, length, kind);
  } else if (type === Kind.normal || type === Kind.zeroAllocated) {
    const host = offsetOf(upper, lower);
    // Damage that frees nothing: the entry is gone, and what it meant cannot be known.
    if (host % clusterSize === 0) state.allocator.free(host, clusterSize, kind);
  }
}

function zeroInData(state: ImageState, at: number, length: number): void {
  const there = Math.min(length, state.guest.size - at);
  if (there > 0) state.guest.zero(at, there);
}
