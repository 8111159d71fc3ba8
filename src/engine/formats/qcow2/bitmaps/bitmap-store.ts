/**
 * Puts bitmaps into the file, in QEMU's order and places: clusters of bits, table, then the next bitmap; the directory
 * at a new place; the header points at it when everything is on the disk; what was there before is freed last
 * (contract: qcow2-format.md §7).
 */
import { divideUp } from '../../../bytes/math.ts';
import { putU64 } from '../../../bytes/u64.ts';
import { MAX_TRANSFER } from '../../../device/device.ts';
import { DiskwrightError } from '../../../errors.ts';
import { ALL_ONES, type Bitmap, encodeDirectory, readBitmapTable } from '../bitmaps.ts';
import { Autoclear } from '../features.ts';
import { type BitmapDirectoryPlace, encodeHeaderCluster } from '../rewrite-header.ts';
import type { ImageState } from '../state.ts';
import type { Bits } from './bits.ts';

/** Feature bits that mean something here; QEMU drops the others when it writes. */
export const KNOWN_AUTOCLEAR = Autoclear.bitmaps | Autoclear.rawExternalData;

function writePieces(state: ImageState, at: number, bytes: Uint8Array): void {
  for (let from = 0; from < bytes.length; from += MAX_TRANSFER) {
    state.image.write(at + from, bytes.subarray(from, from + MAX_TRANSFER));
  }
}

function freeClusters(state: ImageState, table: Float64Array): void {
  for (const place of table) if (place > ALL_ONES) state.allocator.free(place, state.header.clusterSize, 'always');
}

/** Stores bits and their table at new places. When it fails nothing of it is left. */
export function storeBits(state: ImageState, bits: Bits): Bitmap['table'] {
  const { allocator } = state;
  const { clusterSize } = state.header;
  const table = new Float64Array(bits.pages);
  let stored = false;
  try {
    const page = new Uint8Array(clusterSize);
    for (let index = 0; index < table.length; index++) {
      if (!bits.readPage(index, page)) continue;
      const at = allocator.alloc(1) * clusterSize;
      table[index] = at;
      state.guard(at, clusterSize);
      state.image.write(at, page);
    }
    const bytes = new Uint8Array(table.length * 8);
    const view = new DataView(bytes.buffer);
    for (let index = 0; index < table.length; index++) putU64(view, index * 8, table[index] ?? 0);
    const offset = allocator.alloc(divideUp(bytes.length, clusterSize)) * clusterSize;
    try {
      state.guard(offset, bytes.length);
      writePieces(state, offset, bytes);
      stored = true;
    } finally {
      if (!stored) allocator.free(offset, bytes.length, 'other');
    }
    return { offset, entries: table.length };
  } finally {
    if (!stored) freeClusters(state, table);
  }
}

/** Frees a bitmap's clusters and its table, to which nothing refers any more. */
export function freeBits(state: ImageState, bitmap: Pick<Bitmap, 'name' | 'table'>): void {
  let table: Float64Array;
  try {
    table = readBitmapTable(state.image, bitmap, state.header.clusterSize);
  } catch (thrown) {
    // What a damaged table names may be somebody else's: it is left to a repair, as leaks.
    if (thrown instanceof DiskwrightError && thrown.kind === 'corrupt') return;
    throw thrown;
  }
  freeClusters(state, table);
  state.allocator.free(bitmap.table.offset, table.length * 8, 'other');
}

/**
 * Writes the directory to a new place, points the header at it and frees the old one. Without bitmaps: none. From
 * `onSwitch` on the header may name the new directory, whatever fails then: nothing of it may be taken back.
 */
export function writeDirectory(state: ImageState, bitmaps: readonly Bitmap[], onSwitch: () => void = () => {}): void {
  const { allocator } = state;
  const { clusterSize } = state.header;
  const old = state.contents.bitmaps;
  let place: BitmapDirectoryPlace | undefined;
  let ready = false;
  try {
    if (bitmaps.length > 0) {
      const directory = encodeDirectory(bitmaps);
      const offset = allocator.alloc(divideUp(directory.length, clusterSize)) * clusterSize;
      place = { count: bitmaps.length, bytes: directory.length, offset };
      state.guard(offset, directory.length);
      writePieces(state, offset, directory);
      state.flush();
    }
    // Refused here, with nothing written, where the extension has no room.
    encodeHeaderCluster(state.header, { ...state.contents, bitmaps: place });
    ready = true;
  } finally {
    if (!ready && place) allocator.free(place.offset, place.bytes, 'other');
  }
  onSwitch();
  const others = state.header.autoclear & KNOWN_AUTOCLEAR & ~Autoclear.bitmaps;
  state.updateHeader({ autoclear: place ? others | Autoclear.bitmaps : others }, { bitmaps: place });
  if (old) allocator.free(old.offset, old.bytes, 'other');
}

/**
 * Writes the directory over itself: only flags have changed. Meanwhile the header says that the bitmaps are not to be
 * trusted.
 */
export function rewriteDirectory(state: ImageState, bitmaps: readonly Bitmap[]): void {
  const place = state.contents.bitmaps;
  if (!place) throw new Error('internal error: a directory that is nowhere cannot be written again');
  const autoclear = state.header.autoclear & KNOWN_AUTOCLEAR;
  state.updateHeader({ autoclear: autoclear & ~Autoclear.bitmaps });
  const directory = encodeDirectory(bitmaps);
  state.guard(place.offset, directory.length, 'bitmapDirectory');
  writePieces(state, place.offset, directory);
  state.image.flush();
  state.updateHeader({ autoclear });
}
