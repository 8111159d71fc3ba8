/**
 * Makes a stretch of the disk read as zeros, by entries where it can (contract: operations.md, Zero write; systems.md
 * row 53). Parts of a cluster are real zeros unless the rest of it reads as zeros already.
 */
import { Kind, READS_ZERO } from '../entry.ts';
import type { ImageState } from '../state.ts';
import { discardClusters } from './discard.ts';
import { freeEntry } from './free-entry.ts';
import { sliceForReading, sliceForWriting } from './l2-slice.ts';
import type { OldContent } from './old-content.ts';
import { bitRange, clusterKind, PartKind, partBytesOf, partKind } from './subclusters.ts';
import { writeGuest } from './write.ts';

/** Zeros written at once where entries do not do. */
const MAX_FALLBACK = 16 * 1024 * 1024;
const ZEROS = new Uint8Array(1024 * 1024);

/** `unmap`: allocated clusters are given up rather than kept as they are. Any length inside the disk. */
export function zeroGuest(state: ImageState, old: OldContent, at: number, length: number, unmap: boolean): void {
  const part = partBytesOf(state);
  let head = at % part;
  const tail = (at + length) % part;
  for (let done = 0; done < length; ) {
    let piece = length - done;
    if (head > 0) {
      piece = Math.min(piece, part - head);
      head = (head + piece) % part;
    } else if (tail > 0 && piece > part) piece -= tail;
    if (!zeroByEntries(state, old, at + done, piece, unmap)) {
      piece = Math.min(piece, MAX_FALLBACK);
      writeZeros(state, old, at + done, piece);
    }
    done += piece;
  }
  state.freed.giveBack();
}

function writeZeros(state: ImageState, old: OldContent, at: number, length: number): void {
  const zeros = length <= ZEROS.length ? ZEROS.subarray(0, length) : new Uint8Array(length);
  writeGuest(state, old, at, zeros);
}

/** False: entries cannot say it, zeros have to be written. */
function zeroByEntries(state: ImageState, old: OldContent, from: number, length: number, unmap: boolean): boolean {
  const part = partBytesOf(state);
  const { virtualSize } = state.header;
  let at = from;
  let bytes = length;
  const head = at % part;
  const tail = at + bytes === virtualSize ? 0 : (part - ((at + bytes) % part)) % part;
  if (head > 0 || tail > 0) {
    if (!old.isZero(at - head, head) || !old.isZero(at + bytes, tail)) return false;
    at -= head;
    bytes = part;
    if (!holdsNothing(state, at)) return false;
  }
  return zeroParts(state, at, bytes, unmap);
}

/** The part at `at` holds no bytes of its own. */
function holdsNothing(state: ImageState, at: number): boolean {
  const found = sliceForReading(state, at);
  if (!found) return true;
  const part = partBytesOf(state);
  const sub = Math.floor((at % state.header.clusterSize) / part);
  const kind = partKind(state, found.slice.view, found.index, sub);
  return kind !== PartKind.normal && kind !== PartKind.compressed;
}

/**
 * Zeros for whole parts, `at` aligned and the end aligned or the end of the disk. False where a version 2 image or a
 * compressed cluster cannot say it.
 */
export function zeroParts(state: ImageState, at: number, length: number, unmap: boolean): boolean {
  const { clusterSize, version, virtualSize } = state.header;
  if (state.external && (state.header.autoclear & 2n) !== 0n) zeroRawData(state, at, length);
  if (version < 3) {
    if (state.hasBacking) return false;
    discardClusters(state, at, length, 'request', 'hide');
    return true;
  }
  let end = at + length;
  const head = Math.min(end, Math.ceil(at / clusterSize) * clusterSize) - at;
  if (head > 0 && !zeroSubclusters(state, at, head)) return false;
  const from = at + head;
  const tail = end >= virtualSize ? 0 : end - Math.max(from, Math.floor(end / clusterSize) * clusterSize);
  end -= tail;
  zeroClusters(state, from, Math.ceil((end - from) / clusterSize), unmap);
  if (tail > 0 && !zeroSubclusters(state, end, tail)) {
    // What the whole clusters gave up is written again at once, and stays with the image as it does in QEMU.
    state.freed.keep();
    return false;
  }
  return true;
}

function zeroRawData(state: ImageState, at: number, length: number): void {
  const there = Math.min(length, state.header.virtualSize - at);
  if (there > 0) state.guest.zero(at, there);
}

/** Subclusters of one cluster, all of them whole. */
function zeroSubclusters(state: ImageState, at: number, length: number): boolean {
  const { clusterSize } = state.header;
  const part = partBytesOf(state);
  const { slice, index } = sliceForWriting(state, at);
  if (clusterKind(state, slice.view, index) === Kind.compressed) return false;
  const first = Math.floor((at % clusterSize) / part);
  const bits = bitRange(first, first + Math.ceil(length / part));
  const { view } = slice;
  const zero = view.getUint32(index * 16 + 8);
  const allocated = view.getUint32(index * 16 + 12);
  const nowZero = (zero | bits) >>> 0;
  const nowAllocated = (allocated & ~bits) >>> 0;
  if (zero === nowZero && allocated === nowAllocated) return true;
  view.setUint32(index * 16 + 8, nowZero);
  view.setUint32(index * 16 + 12, nowAllocated);
  state.l2Cache.markDirty(slice);
  return true;
}

function zeroClusters(state: ImageState, from: number, clusters: number, unmap: boolean): void {
  const { clusterSize } = state.header;
  for (let done = 0; done < clusters; ) {
    const at = from + done * clusterSize;
    const { left } = sliceForWriting(state, at);
    const count = Math.min(left, clusters - done);
    zeroInSlice(state, at, count, unmap);
    done += count;
  }
}

function zeroInSlice(state: ImageState, at: number, count: number, unmap: boolean): void {
  const { extendedL2 } = state.header;
  const entryBytes = extendedL2 ? 16 : 8;
  const { slice, index } = sliceForWriting(state, at);
  const { view } = slice;
  const freed: number[] = [];
  let changed = false;
  for (let i = index; i < index + count; i++) {
    const place = i * entryBytes;
    const upper = view.getInt32(place);
    const lower = view.getInt32(place + 4);
    const kind = clusterKind(state, view, i);
    const give = kind === Kind.compressed || (unmap && (kind === Kind.normal || kind === Kind.zeroAllocated));
    const nowUpper = give ? 0 : upper;
    const nowLower = (give ? 0 : lower) | (extendedL2 ? 0 : READS_ZERO);
    const same = nowUpper === upper && nowLower === lower;
    if (same && (!extendedL2 || (view.getUint32(place + 8) === 0xffff_ffff && view.getUint32(place + 12) === 0)))
      continue;
    changed = true;
    view.setInt32(place, nowUpper);
    view.setInt32(place + 4, nowLower);
    if (extendedL2) {
      view.setUint32(place + 8, 0xffff_ffff);
      view.setUint32(place + 12, 0);
    }
    if (give) freed.push(upper, lower);
  }
  if (changed) state.l2Cache.markDirty(slice);
  for (let i = 0; i < freed.length; i += 2) freeEntry(state, freed[i] ?? 0, freed[i + 1] ?? 0, 'request');
}
