/**
 * Makes room: what lies beyond a new, smaller end of the disk is given up, and the file is cut behind its last used
 * cluster (contract: operations.md, Resize; systems.md row 25).
 *
 * The order keeps every moment sound: entries leave the disk before the counts of what they pointed at, tables before
 * the refcount blocks that count them, and the file is cut when nothing refers to what is cut.
 */
import { divideUp, roundUp } from '../../../bytes/math.ts';
import type { Steps } from '../../../image/writable.ts';
import { firstUsed } from '../refcounts/refcount-bits.ts';
import type { ImageState } from '../state.ts';
import { shrinkL1 } from '../tables/l1-growth.ts';
import { discardInSlice } from '../write/discard.ts';

/** Entries of an L1 table that a disk of so many bytes needs. */
export function l1EntriesFor({ clusterSize, extendedL2 }: ImageState['header'], size: number): number {
  return divideUp(size, clusterSize * (clusterSize / (extendedL2 ? 16 : 8)));
}

/** Gives up everything beyond `size` up to `end`, bytes of the disk. The header's size stays. */
export function* giveUpBeyond(state: ImageState, size: number, end: number): Steps {
  const { clusterSize } = state.header;
  const first = roundUp(size, clusterSize);
  const total = divideUp(Math.max(0, end - first), clusterSize);
  for (let done = 0; done < total; ) {
    done += discardInSlice(state, first + done * clusterSize, total - done, 'always', 'expose');
    yield { done: done * clusterSize, total: total * clusterSize };
  }
  // The pointers to the tables go next, and with them all that says where the entries were.
  state.flush();
  shrinkL1(state, l1EntriesFor(state.header, size));
  freeEmptyBlocks(state);
  cutFile(state);
}

/** Frees refcount blocks that count nothing, their own cluster aside; the refcount table keeps its place and length. */
function freeEmptyBlocks(state: ImageState): void {
  const { refcounts, allocator, map } = state;
  const { clusterSize } = state.header;
  const empty: number[] = [];
  for (const [index, offset] of refcounts.blocks.entries())
    if (offset !== 0 && isEmpty(state, index)) empty.push(index);
  if (empty.length === 0) return;
  state.flush();
  refcounts.cache.flush();
  clearEntries(state, empty);
  for (const index of empty) {
    const offset = refcounts.blocks[index] ?? 0;
    // Where the block counts itself, that goes with it.
    allocator.free(offset, clusterSize, 'always');
    refcounts.cache.drop(offset);
    refcounts.blocks[index] = 0;
  }
  map.setBlocks(refcounts.blocks);
}

function isEmpty({ refcounts, header }: ImageState, index: number): boolean {
  const { perBlock, bits } = refcounts;
  const block = refcounts.blockOf(index * perBlock);
  if (!block) return false;
  const own = block.offset / header.clusterSize - index * perBlock;
  const used = firstUsed(block.view, bits, 0, perBlock);
  return used < 0 || (used === own && firstUsed(block.view, bits, own + 1, perBlock) < 0);
}

/** Clears entries of the refcount table on the disk; neighbours in one write. */
function clearEntries(state: ImageState, indices: readonly number[]): void {
  const table = state.header.refcountTable.offset;
  for (let i = 0; i < indices.length; ) {
    const first = indices[i] ?? 0;
    let count = 1;
    while (indices[i + count] === first + count) count++;
    state.guard(table + first * 8, count * 8, 'refcountTable');
    state.image.write(table + first * 8, new Uint8Array(count * 8));
    i += count;
  }
  state.image.flush();
}

/** Cuts the file behind its last used cluster. */
function cutFile(state: ImageState): void {
  const { refcounts, image, header } = state;
  state.flush();
  refcounts.cache.flush();
  const end = refcounts.endBelow(divideUp(image.size, header.clusterSize)) * header.clusterSize;
  if (end > 0 && end < image.size) {
    image.resize(end);
    image.flush();
  }
  // Only what is left of the file: nobody writes zeros to what is cut.
  state.freed.giveBack();
}
