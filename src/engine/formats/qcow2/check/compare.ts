/** Compares stored refcounts with counted references, a refcount block at a time, and sets them right where asked. */
import type { ReadableDevice, WritableDevice } from '../../../device/device.ts';
import type { CheckProgress } from '../../../image/report.ts';
import type { ImageHeader } from '../image-header.ts';
import { refcountAt, setRefcount } from '../refcounts/refcount-bits.ts';
import type { MetadataMap } from '../tables/metadata-map.ts';
import type { Findings } from './findings.ts';
import { ReferenceCounts } from './reference-counts.ts';
import { type CountsOne, isAllOne, type StoredRefcounts, UNREADABLE } from './stored-refcounts.ts';

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
export function blocksToCompare(
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

export interface Comparison {
  readonly stored: StoredRefcounts;
  readonly counts: ReferenceCounts;
  /** One past the last cluster of the file, and of the one behind its end that a reference may reach into. */
  readonly end: number;
  /** What is known of the blocks already, which saves reading them again. */
  readonly ones?: CountsOne | undefined;
}

/** Which counts are set right. Those that would have to go up from 0 never are: there may be no block for them. */
export interface Corrections {
  readonly device: WritableDevice;
  readonly leaks: boolean;
  readonly errors: boolean;
  /** Of the metadata. A block that lies on a table of another kind is left alone. Asked for at the first repair. */
  readonly places: () => MetadataMap;
}

export interface Compared {
  /** The highest cluster that is stored as used or referenced. */
  readonly highest: number;
  /** A count would have to go up from 0. */
  readonly lost: boolean;
}

function mayWrite(map: MetadataMap, block: number, bytes: number, findings: Findings): boolean {
  const hit = map.hit(block, bytes, 'refcountBlock');
  if (hit !== undefined) findings.failure(`the refcount block at ${block} cannot be repaired: it is part of ${hit}`);
  return hit === undefined;
}

/** qemu-img does not look at counts behind `end`, and neither does this. */
export function* compareRefcounts(
  device: ReadableDevice,
  { clusterSize, refcountBits }: ImageHeader,
  { stored, counts, end, ones }: Comparison,
  findings: Findings,
  correct?: Corrections,
): Generator<CheckProgress, Compared> {
  const { blocks, blockRefcounts } = stored;
  const block = new Uint8Array(clusterSize);
  const view = new DataView(block.buffer);
  const numbers = blocksToCompare(stored, counts, end);
  let highest = 0;
  let lost = false;
  let map: MetadataMap | undefined;
  for (const [done, index] of numbers.entries()) {
    const first = index * blockRefcounts;
    const offset = blocks[index] ?? 0;
    const slots = Math.min(blockRefcounts, end - first);
    if (offset === UNREADABLE) {
      for (let slot = 0; slot < slots; slot++) {
        findings.failure(`the count of cluster ${first + slot} cannot be read: refcount block ${index} is misplaced`);
      }
      continue;
    }
    if (ones?.isAllOne(index) && allOnce(counts, first, slots)) {
      highest = first + slots - 1;
      continue;
    }
    if (offset === 0) block.fill(0);
    else device.read(offset, block);
    if (offset !== 0 && isAllOne(block, refcountBits) && allOnce(counts, first, slots)) {
      highest = first + slots - 1;
      continue;
    }
    let changed = false;
    let free: boolean | undefined;
    for (let slot = 0; slot < slots; ) {
      const number = Math.floor((first + slot) / PAGE);
      const page = counts.page(number);
      const base = number * PAGE - first;
      for (const pageEnd = Math.min(slots, base + PAGE); slot < pageEnd; slot++) {
        const count = refcountAt(view, slot, refcountBits);
        const low = page ? (page[slot - base] ?? 0) : 0;
        if (count === 0 && low === 0) continue;
        highest = first + slot;
        const references = low === ReferenceCounts.full ? counts.get(first + slot) : low;
        if (count === references) continue;
        if (count === 0) lost = true;
        let repaired = count !== 0 && correct !== undefined && (count > references ? correct.leaks : correct.errors);
        if (repaired && correct) {
          map ??= correct.places();
          free ??= mayWrite(map, offset, clusterSize, findings);
          repaired = free;
        }
        if (repaired) {
          setRefcount(view, slot, refcountBits, references);
          changed = true;
        }
        findings.difference(first + slot, count, references, repaired);
      }
    }
    if (changed) correct?.device.write(offset, block);
    if (done % 64 === 0) yield { done, total: numbers.length };
  }
  return { highest, lost };
}
