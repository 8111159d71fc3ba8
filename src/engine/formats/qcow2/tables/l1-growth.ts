/** The active L1 table becomes longer (it moves) or shorter (it stays, its tail is zeros). */
import { DiskwrightError } from '../../../errors.ts';
import { MAX_L1_BYTES } from '../limits.ts';
import type { ImageState } from '../state.ts';
import { writeL1 } from './l1-table.ts';

/**
 * At least `entries` entries. `exact`: no more (resizing); otherwise half as much again until it is enough (contract:
 * systems.md row 47). The new table is on the disk before the header names it.
 */
export function growL1(state: ImageState, entries: number, exact: boolean): void {
  const { l1, allocator, image } = state;
  if (entries <= l1.entries) return;
  let wanted = entries;
  if (!exact) {
    wanted = Math.max(1, l1.entries);
    while (wanted < entries) wanted = Math.ceil((wanted * 3) / 2);
  }
  if (wanted * 8 > MAX_L1_BYTES) {
    throw new DiskwrightError('out-of-range', `qcow2: an L1 table of ${wanted} entries exceeds 32 MiB.`, {
      fix: 'Use an image with larger clusters.',
    });
  }
  const { clusterSize } = state.header;
  const view = new DataView(new ArrayBuffer(wanted * 8));
  new Uint8Array(view.buffer).set(new Uint8Array(l1.view.buffer, l1.view.byteOffset, l1.view.byteLength));
  const offset = allocator.alloc(Math.ceil((wanted * 8) / clusterSize)) * clusterSize;
  state.refcounts.cache.flush();
  state.guard(offset, view.byteLength);
  writeL1(image, offset, view);
  image.flush();
  const old = { offset: l1.offset, bytes: l1.view.byteLength };
  state.switchL1({ offset, entries: wanted });
  l1.replace(offset, view);
  allocator.free(old.offset, old.bytes, 'other');
}

/** Entries from `entries` on become zeros and their tables are freed; the table keeps its length (row 25). */
export function shrinkL1(state: ImageState, entries: number): void {
  const { l1, image, allocator } = state;
  if (entries >= l1.entries) return;
  const tail = (l1.entries - entries) * 8;
  const tables: number[] = [];
  for (let i = l1.entries - 1; i >= entries; i--) if (l1.offsetOf(i) !== 0) tables.push(l1.offsetOf(i));
  image.zero(l1.offset + entries * 8, Math.min(tail, Math.max(0, image.size - (l1.offset + entries * 8))));
  image.flush();
  const view = new DataView(new ArrayBuffer(l1.view.byteLength));
  new Uint8Array(view.buffer).set(new Uint8Array(l1.view.buffer, 0, entries * 8));
  l1.replace(l1.offset, view);
  for (const offset of tables) allocator.free(offset, state.header.clusterSize, 'always');
}
