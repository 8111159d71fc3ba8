/** Compares stored refcounts with counted references, a refcount block at a time. */
import type { ReadableDevice } from '../../../device/device.ts';
import type { CheckProgress } from '../../../image/report.ts';
import type { ImageHeader } from '../image-header.ts';
import type { Findings } from './findings.ts';
import { ReferenceCounts } from './reference-counts.ts';
import { isAllOne, refcountAt, type StoredRefcounts } from './stored-refcounts.ts';

const PAGE = ReferenceCounts.pageSize;
/** Four counts of 1, read as a double. */
const ONE_EACH = new Float64Array(Uint16Array.of(1, 1, 1, 1).buffer)[0];

/** Every cluster of [first, first + count) is referenced exactly once. */
function allOnce(counts: ReferenceCounts, first: number, count: number): boolean {
  for (let cluster = first; cluster < first + count; ) {
    const index = Math.floor(cluster / PAGE);
    const page = counts.page(index);
    if (!page) return false;
    const from = cluster - index * PAGE;
    const to = Math.min(PAGE, from + (first + count - cluster));
    if (from % 4 === 0 && to % 4 === 0) {
      const words = new Float64Array(page.buffer, from * 2, (to - from) / 4);
      for (let i = 0; i < words.length; i++) if (words[i] !== ONE_EACH) return false;
    } else for (let i = from; i < to; i++) if (page[i] !== 1) return false;
    cluster += to - from;
  }
  return true;
}

/**
 * Numbers of all blocks below `end` that exist or would have to, ascending. Taken from what is there rather
 * than from the length of the file: a sparse one may be an exbibyte long.
 */
function blocksToCompare(
  { blocks, blockRefcounts }: StoredRefcounts,
  counts: ReferenceCounts,
  end: number,
): Float64Array {
  const numbers = new Set<number>();
  const most = Math.ceil(end / blockRefcounts) - 1;
  for (let index = 0; index <= Math.min(most, blocks.length - 1); index++) if (blocks[index]) numbers.add(index);
  for (const page of counts.pageNumbers()) {
    const last = Math.min(most, Math.floor(((page + 1) * PAGE - 1) / blockRefcounts));
    for (let index = Math.floor((page * PAGE) / blockRefcounts); index <= last; index++) numbers.add(index);
  }
  return Float64Array.from(numbers).sort();
}

/**
 * Clusters of the file, and the one behind its end that a reference may reach into: qemu-img does not look at
 * counts further behind. Returns the highest cluster that is stored as used or referenced.
 */
export function* compareRefcounts(
  device: ReadableDevice,
  { clusterSize, refcountBits }: ImageHeader,
  stored: StoredRefcounts,
  counts: ReferenceCounts,
  findings: Findings,
): Generator<CheckProgress, number> {
  const { blocks, blockRefcounts } = stored;
  const block = new Uint8Array(clusterSize);
  const view = new DataView(block.buffer);
  const end = Math.max(Math.ceil(device.size / clusterSize), counts.end);
  const numbers = blocksToCompare(stored, counts, end);
  let highest = 0;
  for (const [done, index] of numbers.entries()) {
    const first = index * blockRefcounts;
    const offset = blocks[index] ?? 0;
    if (offset === 0) block.fill(0);
    else device.read(offset, block);
    const slots = Math.min(blockRefcounts, end - first);
    if (offset !== 0 && isAllOne(block, refcountBits) && allOnce(counts, first, slots)) {
      highest = first + slots - 1;
      continue;
    }
    for (let slot = 0; slot < slots; slot++) {
      const count = refcountAt(view, slot, refcountBits);
      const references = counts.get(first + slot);
      if (count > 0 || references > 0) highest = first + slot;
      if (count !== references) findings.difference(first + slot, count, references);
    }
    if (done % 64 === 0) yield { done, total: numbers.length };
  }
  return highest;
}
