/**
 * What an L2 entry says of one part of its cluster: with extended L2 one of 32 subclusters, otherwise the cluster
 * itself (contract: qcow2-format.md §5).
 */
import { COMPRESSED, COPIED, Kind, kindOf, offsetOf, READS_ZERO } from '../entry.ts';
import type { ImageState } from '../state.ts';

export const SUBCLUSTERS = 32;

/** `unallocatedPlaced`: the backing image shows through, but the cluster has a place. */
export const PartKind = { ...Kind, unallocatedPlaced: 5 } as const;
export type PartKind = (typeof PartKind)[keyof typeof PartKind];

/** Bits [from, to) of a half bitmap, as an unsigned word. */
export const bitRange = (from: number, to: number): number =>
  to - from >= 32 ? 0xffff_ffff : (((1 << (to - from)) - 1) << from) >>> 0;

/** Bytes of one L2 entry. */
export const entryBytesOf = (state: ImageState): number => (state.header.extendedL2 ? 16 : 8);

/** Bytes of a subcluster, or of a cluster where there are none. */
export const partBytesOf = ({ header }: ImageState): number =>
  header.extendedL2 ? header.clusterSize / SUBCLUSTERS : header.clusterSize;

/** The kind of part `sub` of entry `index`; marks the image corrupt for what cannot be. */
export function partKind(state: ImageState, view: DataView, index: number, sub: number): PartKind {
  const { header, external } = state;
  const at = index * (header.extendedL2 ? 16 : 8);
  const upper = view.getInt32(at);
  const lower = view.getInt32(at + 4);
  if (!header.extendedL2) {
    if (header.version === 2 && (upper & COMPRESSED) === 0 && (lower & READS_ZERO) !== 0) {
      state.corrupt('a zero cluster in an image of version 2');
    }
    return kindOf(upper, lower, external);
  }
  if ((upper & COMPRESSED) !== 0) return PartKind.compressed;
  const zero = view.getUint32(at + 8);
  const allocated = view.getUint32(at + 12);
  const placed = offsetOf(upper, lower) !== 0 || (external && (upper & COPIED) !== 0);
  if ((zero & allocated) !== 0) state.corrupt('subclusters are both allocated and zero');
  if (!placed && allocated !== 0) state.corrupt('subclusters are allocated, but no cluster is');
  if (((allocated >>> sub) & 1) !== 0) return PartKind.normal;
  if (((zero >>> sub) & 1) !== 0) return placed ? PartKind.zeroAllocated : PartKind.zeroPlain;
  return placed ? PartKind.unallocatedPlaced : PartKind.unallocated;
}

/** The kind of a whole cluster, as far as its place is concerned. */
export function clusterKind(state: ImageState, view: DataView, index: number): Kind {
  const { header, external } = state;
  const at = index * (header.extendedL2 ? 16 : 8);
  const upper = view.getInt32(at);
  const lower = view.getInt32(at + 4);
  if (!header.extendedL2) return kindOf(upper, lower, external);
  if ((upper & COMPRESSED) !== 0) return Kind.compressed;
  const placed = offsetOf(upper, lower) !== 0 || (external && (upper & COPIED) !== 0);
  const zero = view.getUint32(at + 8);
  const allocated = view.getUint32(at + 12);
  if (placed) return allocated === 0 && zero !== 0 ? Kind.zeroAllocated : Kind.normal;
  return zero !== 0 ? Kind.zeroPlain : Kind.unallocated;
}

/** Not to be written in place: no place, shared with a snapshot, or compressed. */
export function needsNewCluster(state: ImageState, view: DataView, index: number): boolean {
  const at = index * (state.header.extendedL2 ? 16 : 8);
  const upper = view.getInt32(at);
  if ((upper & COPIED) === 0) return true;
  const kind = clusterKind(state, view, index);
  return kind !== Kind.normal && kind !== Kind.zeroAllocated;
}
