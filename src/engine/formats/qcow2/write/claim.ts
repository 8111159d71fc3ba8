/**
 * Finds a place on the host for a stretch of the disk that is about to be written: clusters that may be written in
 * place as far as they lie in a row, and new ones for what has no place, is shared or compressed (contract:
 * operations.md, Write 1; systems.md rows 49 to 51).
 *
 * A claim is one stretch of entries that will be linked together; until then nothing points at new clusters.
 */

import { offsetOf } from '../entry.ts';
import type { ImageState } from '../state.ts';
import { type SliceAt, sliceForWriting } from './l2-slice.ts';
import { needsNewCluster, PartKind, partBytesOf, partKind } from './subclusters.ts';

export interface Claim {
  /** Guest offset of its first cluster, and where that lies on the host. */
  readonly guest: number;
  readonly host: number;
  readonly clusters: number;
  /**
   * What of the clusters is written, in bytes from `guest`: the guest's bytes are [dataFrom, dataTo), around them
   * [from, dataFrom) and [dataTo, to) are copied from what was there before.
   */
  readonly from: number;
  readonly dataFrom: number;
  readonly dataTo: number;
  readonly to: number;
  /** The clusters were this disk's before: nothing was allocated and nothing is freed. */
  readonly inPlace: boolean;
}

/** Bytes [at, at + length) of the guest will lie at `host` in one piece. */
export interface ClaimedRun {
  readonly host: number;
  readonly length: number;
  /** Empty where every byte may simply be written. */
  readonly claims: readonly Claim[];
}

/** The most that one request covers. */
export const MAX_REQUEST = 2 ** 31 - 1;

interface Found {
  readonly host: number;
  readonly length: number;
}

/** Claims from the start of [at, at + length) as much as lies in one piece on the host; at least one byte. */
export function claimRun(state: ImageState, at: number, length: number): ClaimedRun {
  const claims: Claim[] = [];
  let host = -1;
  let done = 0;
  try {
    while (done < length) {
      const guest = at + done;
      const expected = host < 0 ? -1 : host + done;
      const where = sliceForWriting(state, guest);
      const found = needsNewCluster(state, where.slice.view, where.index)
        ? claimNew(state, where, guest, length - done, expected, claims)
        : claimInPlace(state, where, guest, length - done, expected, claims);
      if (!found) break;
      if (host < 0) host = found.host;
      done += found.length;
    }
  } catch (error) {
    releaseClaims(state, claims);
    throw error;
  }
  return { host, length: done, claims };
}

/** Gives back what was allocated for claims that will not be linked. */
export function releaseClaims(state: ImageState, claims: readonly Claim[]): void {
  if (state.external) return;
  for (const { host, clusters, inPlace } of claims) {
    if (!inPlace) state.allocator.free(host, clusters * state.header.clusterSize, 'never');
  }
}

/** Entries from `index` on, at most `most`, that are like the first: all need a new cluster, or all lie in a row. */
function countAlike(state: ImageState, { slice, index }: SliceAt, most: number, isNew: boolean): number {
  const { clusterSize, extendedL2 } = state.header;
  const entryBytes = extendedL2 ? 16 : 8;
  const { view } = slice;
  const hostOf = (i: number): number => offsetOf(view.getInt32(i * entryBytes), view.getInt32(i * entryBytes + 4));
  let expected = hostOf(index);
  for (let i = 0; i < most; i++) {
    if (needsNewCluster(state, view, index + i) !== isNew) return i;
    if (!isNew && hostOf(index + i) !== expected) return i;
    expected += clusterSize;
  }
  return most;
}

function claimInPlace(
  state: ImageState,
  where: SliceAt,
  guest: number,
  length: number,
  expected: number,
  claims: Claim[],
): Found | undefined {
  const { clusterSize } = state.header;
  const { slice, index, left } = where;
  const inCluster = guest % clusterSize;
  const at = index * (state.header.extendedL2 ? 16 : 8);
  const host = offsetOf(slice.view.getInt32(at), slice.view.getInt32(at + 4));
  if (host % clusterSize !== 0) state.corrupt(`the cluster at ${host} is not at the start of a cluster`);
  if (expected >= 0 && host !== expected) return undefined;
  const clusters = countAlike(state, where, Math.min(left, Math.ceil((inCluster + length) / clusterSize)), false);
  const bytes = Math.min(length, clusters * clusterSize - inCluster);
  const claim = shape(state, where, guest, host, bytes, true);
  if (claim) claims.push(claim);
  return { host: host + inCluster, length: bytes };
}

function claimNew(
  state: ImageState,
  where: SliceAt,
  guest: number,
  length: number,
  expected: number,
  claims: Claim[],
): Found | undefined {
  const { clusterSize } = state.header;
  const inCluster = guest % clusterSize;
  const most = Math.min(
    where.left,
    Math.ceil((inCluster + length) / clusterSize),
    Math.floor(MAX_REQUEST / clusterSize),
  );
  let clusters = countAlike(state, where, most, true);
  const tableAt = where.slice.offset;
  let host: number;
  if (state.external) {
    // Guest and host offsets of a data file are the same.
    host = guest - inCluster;
  } else if (expected < 0) host = state.allocator.alloc(clusters) * clusterSize;
  else {
    host = expected;
    clusters = state.allocator.allocAt(expected / clusterSize, clusters);
    if (clusters === 0) return undefined;
  }
  // Making refcount blocks may have moved the slice out of the cache.
  const slice = state.l2Cache.get(tableAt);
  const bytes = Math.min(length, clusters * clusterSize - inCluster);
  try {
    const claim = shape(state, { ...where, slice }, guest, host, bytes, false);
    if (claim) claims.push(claim);
  } catch (error) {
    if (!state.external) state.allocator.free(host, clusters * clusterSize, 'never');
    throw error;
  }
  return { host: host + inCluster, length: bytes };
}

/** Every part of [from, to) holds the guest's bytes already: nothing is to be linked. */
function allNormal(state: ImageState, { slice, index }: SliceAt, from: number, to: number): boolean {
  const { clusterSize } = state.header;
  const part = partBytesOf(state);
  for (let at = from; at < to; at = Math.floor(at / part) * part + part) {
    const cluster = Math.floor(at / clusterSize);
    const sub = Math.floor((at % clusterSize) / part);
    if (partKind(state, slice.view, index + cluster, sub) !== PartKind.normal) return false;
  }
  return true;
}

/** How far the bytes reach that have to be copied around the guest's. */
function shape(
  state: ImageState,
  where: SliceAt,
  guest: number,
  host: number,
  length: number,
  inPlace: boolean,
): Claim | undefined {
  const { clusterSize } = state.header;
  const dataFrom = guest % clusterSize;
  const dataTo = dataFrom + length;
  if (inPlace && allNormal(state, where, dataFrom, dataTo)) return undefined;
  const from = inPlace ? headInPlace(state, where, dataFrom) : headOfNew(state, where, dataFrom);
  const to = inPlace ? tailInPlace(state, where, dataTo) : tailOfNew(state, where, dataTo);
  const clusters = Math.ceil(dataTo / clusterSize);
  return { guest: guest - dataFrom, host, clusters, from, dataFrom, dataTo, to, inPlace };
}

/** The half bitmap of allocated subclusters of entry `index`. */
const allocatedBits = (view: DataView, index: number): number => view.getUint32(index * 16 + 12);

function headOfNew(state: ImageState, { slice, index }: SliceAt, dataFrom: number): number {
  const part = partBytesOf(state);
  const sub = Math.floor(dataFrom / part);
  switch (partKind(state, slice.view, index, sub)) {
    case PartKind.zeroPlain:
    case PartKind.unallocated:
      return sub * part;
    case PartKind.compressed:
      return 0;
    default: {
      if (!state.header.extendedL2) return 0;
      // Subclusters in front that hold nothing need no copy.
      const bits = allocatedBits(slice.view, index);
      const trailing = bits === 0 ? 32 : 31 - Math.clz32(bits & -bits);
      return Math.min(sub, trailing) * part;
    }
  }
}

function tailOfNew(state: ImageState, { slice, index }: SliceAt, dataTo: number): number {
  const { clusterSize } = state.header;
  const part = partBytesOf(state);
  const cluster = Math.ceil(dataTo / clusterSize) - 1;
  const sub = Math.floor(((dataTo - 1) % clusterSize) / part);
  const end = (cluster + 1) * clusterSize;
  switch (partKind(state, slice.view, index + cluster, sub)) {
    case PartKind.zeroPlain:
    case PartKind.unallocated:
      return Math.ceil(dataTo / part) * part;
    case PartKind.compressed:
      return end;
    default: {
      if (!state.header.extendedL2) return end;
      const leading = Math.clz32(allocatedBits(slice.view, index + cluster));
      return end - Math.min(31 - sub, leading) * part;
    }
  }
}

function headInPlace(state: ImageState, { slice, index }: SliceAt, dataFrom: number): number {
  const part = partBytesOf(state);
  const sub = Math.floor(dataFrom / part);
  return partKind(state, slice.view, index, sub) === PartKind.normal ? dataFrom : sub * part;
}

function tailInPlace(state: ImageState, { slice, index }: SliceAt, dataTo: number): number {
  const { clusterSize } = state.header;
  const part = partBytesOf(state);
  const cluster = Math.ceil(dataTo / clusterSize) - 1;
  const sub = Math.floor(((dataTo - 1) % clusterSize) / part);
  return partKind(state, slice.view, index + cluster, sub) === PartKind.normal
    ? dataTo
    : Math.ceil(dataTo / part) * part;
}
