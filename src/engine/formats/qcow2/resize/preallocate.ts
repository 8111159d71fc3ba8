/**
 * Lays out clusters for what a disk has grown by (contract: create-layout.md §4 and §5, from the last used cluster).
 *
 * `metadata` takes them as writing would, in requests of at most 2 GiB, and leaves their bytes a hole. `falloc` and
 * `full` count everything first, take one run behind the last used cluster, and write zeros to it.
 */
import { divideUp } from '../../../bytes/math.ts';
import { MAX_TRANSFER, type WritableDevice } from '../../../device/device.ts';
import { assert } from '../../../errors.ts';
import type { Preallocation, Steps } from '../../../image/writable.ts';
import type { ImageState } from '../state.ts';
import { type Claim, claimRun, MAX_REQUEST, releaseClaims } from '../write/claim.ts';
import { sliceForWriting } from '../write/l2-slice.ts';
import { linkClaim } from '../write/link.ts';
import type { OldContent } from '../write/old-content.ts';
import { copyAround } from '../write/write.ts';

/** Zeros at the end of a device, so that their space is taken. */
function* extendWithZeros(device: WritableDevice, size: number): Steps {
  const from = device.size;
  for (let at = from; at < size; ) {
    const part = Math.min(MAX_TRANSFER, size - at);
    device.zero(at, part);
    at += part;
    yield { done: at - from, total: size - from };
  }
}

/** Clusters for [from, to) of the disk; the bytes that belong to them are a hole unless `mode` asks for more. */
export function* preallocateMetadata(
  state: ImageState,
  old: OldContent,
  from: number,
  to: number,
  mode: Preallocation,
): Steps {
  const { clusterSize } = state.header;
  const most = Math.floor(MAX_REQUEST / clusterSize) * clusterSize;
  let end = 0;
  for (let at = from; at < to; ) {
    const run = claimRun(state, at, Math.min(to - at, most));
    try {
      for (const claim of run.claims) {
        clearReused(state, claim);
        copyAround(state, old, claim);
      }
    } catch (error) {
      releaseClaims(state, run.claims);
      throw error;
    }
    for (const claim of run.claims) linkClaim(state, claim, false);
    at += run.length;
    end = run.host + run.length;
    yield { done: at - from, total: to - from };
  }
  // A read of a cluster behind the end of the file would fail in QEMU.
  if (mode === 'falloc' || mode === 'full') yield* extendWithZeros(state.guest, end);
  else if (end > state.guest.size) state.guest.resize(end);
}

/** New clusters inside the file may hold what was freed; QEMU shows that on the disk. */
function clearReused(state: ImageState, { host, clusters, inPlace }: Claim): void {
  const { clusterSize, extendedL2 } = state.header;
  if (!inPlace && !extendedL2 && !state.external) clearInside(state, host, host + clusters * clusterSize);
}

/** Zeros for what of [from, to) is inside the file. */
function clearInside({ image }: ImageState, from: number, to: number): void {
  const end = Math.min(to, image.size);
  if (end > from) image.zero(from, end - from);
}

/**
 * One run of clusters for [from, to) of the disk, full of zeros. `hidden`: nothing of what the image rests on may show
 * through, so that with extended L2 every subcluster counts as written.
 */
export function* preallocateInFull(
  state: ImageState,
  old: OldContent,
  from: number,
  to: number,
  hidden: boolean,
): Steps {
  const { clusterSize } = state.header;
  const first = Math.floor(from / clusterSize);
  const clusters = divideUp(to, clusterSize) - first;
  const host = reserve(state, clusters);
  let linked = 0;
  try {
    clearInside(state, host * clusterSize, (host + clusters) * clusterSize);
    yield* extendWithZeros(state.image, (host + clusters) * clusterSize);
    while (linked < clusters) {
      linked += linkPart(state, old, {
        from,
        first: first + linked,
        host: host + linked,
        left: clusters - linked,
        hidden,
      });
    }
  } finally {
    if (linked < clusters) {
      state.allocator.free((host + linked) * clusterSize, (clusters - linked) * clusterSize, 'other');
    }
  }
}

/** Takes clusters behind the last used one, with refcount blocks and a table that count them and their L2 tables. */
function reserve(state: ImageState, clusters: number): number {
  const { refcounts, allocator, tables, image, header } = state;
  const { clusterSize, extendedL2 } = header;
  const inFile = divideUp(image.size, clusterSize);
  const base = refcounts.endBelow(inFile) || inFile;
  const l2Tables = divideUp(clusters, clusterSize / (extendedL2 ? 16 : 8)) + 1;
  const old = tables.move(base, 'exact', undefined, clusters + l2Tables);
  allocator.free(old.offset, old.bytes, 'other');
  const got = allocator.allocAt(old.end, clusters);
  assert(got === clusters, 'clusters behind the last used one are free');
  return old.end;
}

interface Part {
  /** Where what is new of the disk begins, in bytes. */
  readonly from: number;
  /** Guest and host cluster. */
  readonly first: number;
  readonly host: number;
  readonly left: number;
  readonly hidden: boolean;
}

/** Links as many clusters as lie in one slice of an L2 table; how many that were. */
function linkPart(state: ImageState, old: OldContent, { from, first, host, left, hidden }: Part): number {
  const { clusterSize } = state.header;
  const guest = first * clusterSize;
  const clusters = Math.min(left, sliceForWriting(state, guest).left);
  const bytes = clusters * clusterSize;
  const claim: Claim = {
    guest,
    host: host * clusterSize,
    clusters,
    from: 0,
    dataFrom: Math.max(0, from - guest),
    dataTo: bytes,
    to: bytes,
    inPlace: false,
  };
  copyAround(state, old, claim);
  linkClaim(state, claim, hidden);
  return clusters;
}
