/**
 * Builds the refcount structure anew from counted references, where the old one cannot be set right in place.
 *
 * Its place is behind the end of the file, where nothing is lost even if a broken table hides what lies inside; a
 * device that cannot grow gives clusters that nothing refers to, and so does a file of which tables say that it was
 * longer. All of the new structure is on the medium before one write of the header switches to it, so that a cut
 * leaves the one or the other.
 */
import { divideUp } from '../../../bytes/math.ts';
import { putU64 } from '../../../bytes/u64.ts';
import type { WritableDevice } from '../../../device/device.ts';
import { MAX_TRANSFER } from '../../../device/device.ts';
import { DiskwrightError } from '../../../errors.ts';
import type { CheckProgress } from '../../../image/report.ts';
import { headerV3 } from '../header.ts';
import type { ImageHeader } from '../image-header.ts';
import { MAX_HOST_OFFSET, MAX_REFCOUNT_TABLE_BYTES } from '../limits.ts';
import { setRefcount } from '../refcounts/refcount-bits.ts';
import { blocksToCompare } from './compare.ts';
import { ReferenceCounts } from './reference-counts.ts';
import type { Survey } from './survey.ts';

/** A snapshot table that takes the place of the old one, padded to whole clusters. */
export interface NewSnapshotTable {
  readonly bytes: Uint8Array;
  readonly count: number;
}

interface Plan {
  /** First cluster of the snapshot table and of the refcount table. */
  readonly snapshots: number;
  readonly table: number;
  readonly tableClusters: number;
  /** Numbers of the refcount blocks, ascending, and the cluster of each. */
  readonly numbers: readonly number[];
  readonly blocks: readonly number[];
  readonly end: number;
}

/** Blocks with at least one reference. */
function usedBlocks({ stored, counts }: Survey): Set<number> {
  const { blockRefcounts } = stored;
  const { end } = counts;
  const used = new Set<number>();
  for (const index of blocksToCompare({ blocks: new Float64Array(0), blockRefcounts }, counts, end)) {
    for (let cluster = index * blockRefcounts; cluster < Math.min(end, (index + 1) * blockRefcounts); cluster++) {
      if (counts.get(cluster) === 0) continue;
      used.add(index);
      break;
    }
  }
  return used;
}

/** Gives the first cluster of the next stretch of `count` that may be used, none twice; undefined: no more. */
type Places = (count: number) => number | undefined;

/** Everything from `first` on. */
function behind(first: number): Places {
  let next = first;
  return (count) => {
    next += count;
    return next - count;
  };
}

/** Inside the file, what nothing refers to. */
function unreferenced(counts: ReferenceCounts, fileClusters: number): Places {
  const taken = new Set<number>();
  let lowest = 1;
  return (count) => {
    for (let first = lowest, free = 0; first + free < fileClusters; ) {
      const cluster = first + free;
      if (counts.get(cluster) !== 0 || taken.has(cluster)) {
        first = cluster + 1;
        free = 0;
        continue;
      }
      free++;
      if (free < count) continue;
      for (let i = first; i < first + count; i++) taken.add(i);
      if (count === 1) lowest = first + 1;
      return first;
    }
    return undefined;
  };
}

/** What goes where; the structure counts itself as well, so that it may take several rounds. */
function makePlan(
  places: () => Places,
  used: ReadonlySet<number>,
  { clusterSize, refcountBits }: ImageHeader,
  snapshotClusters: number,
): Plan | undefined {
  const blockRefcounts = (clusterSize * 8) / refcountBits;
  const numbers = new Set(used);
  let tableClusters = 1;
  for (;;) {
    const size = numbers.size;
    const tableBefore = tableClusters;
    const place = places();
    const snapshots = snapshotClusters === 0 ? 0 : place(snapshotClusters);
    const table = place(tableClusters);
    const blocks: number[] = [];
    for (let i = 0; i < size; i++) {
      const cluster = place(1);
      if (cluster === undefined) return undefined;
      blocks.push(cluster);
    }
    if (snapshots === undefined || table === undefined) return undefined;
    let end = 0;
    const count = (first: number, clusters: number): void => {
      end = Math.max(end, first + clusters);
      for (let index = Math.floor(first / blockRefcounts); index * blockRefcounts < first + clusters; index++) {
        numbers.add(index);
      }
    };
    count(snapshots, snapshotClusters);
    count(table, tableClusters);
    for (const cluster of blocks) count(cluster, 1);
    let highest = 0;
    for (const index of numbers) highest = Math.max(highest, index);
    tableClusters = Math.max(tableClusters, divideUp((highest + 1) * 8, clusterSize));
    if (tableClusters * clusterSize > MAX_REFCOUNT_TABLE_BYTES || end * clusterSize > MAX_HOST_OFFSET) return undefined;
    if (numbers.size === size && tableClusters === tableBefore) {
      return { snapshots, table, tableClusters, numbers: [...numbers].sort((a, b) => a - b), blocks, end };
    }
  }
}

/** Makes the file long enough; false where the device does not allow it. */
function grow(device: WritableDevice, bytes: number): boolean {
  if (bytes <= device.size) return true;
  try {
    device.resize(bytes);
    return true;
  } catch (thrown) {
    if (thrown instanceof DiskwrightError && ['no-space', 'out-of-range'].includes(thrown.kind)) return false;
    throw thrown;
  }
}

/** Writes the counts of the plan's blocks, runs of neighbours at once. */
function* writeBlocks(
  device: WritableDevice,
  header: ImageHeader,
  { numbers, blocks }: Plan,
  counts: ReferenceCounts,
): Generator<CheckProgress, void> {
  const { clusterSize, refcountBits } = header;
  const blockRefcounts = (clusterSize * 8) / refcountBits;
  const most = Math.max(1, Math.floor(MAX_TRANSFER / 2 / clusterSize));
  const buffer = new Uint8Array(Math.min(most, numbers.length) * clusterSize);
  for (let done = 0; done < numbers.length; ) {
    const first = blocks[done] ?? 0;
    let run = 0;
    buffer.fill(0);
    while (run < most && blocks[done + run] === first + run) {
      const view = new DataView(buffer.buffer, run * clusterSize, clusterSize);
      writeCounts(view, refcountBits, counts, (numbers[done + run] ?? 0) * blockRefcounts, blockRefcounts);
      run++;
    }
    device.write(first * clusterSize, buffer.subarray(0, run * clusterSize));
    done += run;
    yield { done, total: numbers.length };
  }
}

function writeCounts(block: DataView, bits: number, counts: ReferenceCounts, first: number, slots: number): void {
  const size = ReferenceCounts.pageSize;
  for (let slot = 0; slot < slots; ) {
    const page = Math.floor((first + slot) / size);
    const end = Math.min(slots, (page + 1) * size - first);
    // Nothing is referenced there, and the block is zeros already.
    if (!counts.page(page)) slot = end;
    for (; slot < end; slot++) {
      const count = counts.get(first + slot);
      if (count !== 0) setRefcount(block, slot, bits, count);
    }
  }
}

function writeTable(device: WritableDevice, { clusterSize }: ImageHeader, plan: Plan): void {
  const table = new Uint8Array(plan.tableClusters * clusterSize);
  const view = new DataView(table.buffer);
  for (const [i, index] of plan.numbers.entries()) putU64(view, index * 8, (plan.blocks[i] ?? 0) * clusterSize);
  device.write(plan.table * clusterSize, table);
}

/** Refcount table, its clusters, number of snapshots, snapshot table: neighbours in the header, one write. */
function switchHeader(device: WritableDevice, header: ImageHeader, plan: Plan, snapshots?: NewSnapshotTable): void {
  const from = headerV3.offsets.refcountTableOffset;
  const fields = new Uint8Array(snapshots ? 24 : 12);
  const view = new DataView(fields.buffer);
  putU64(view, 0, plan.table * header.clusterSize);
  view.setUint32(8, plan.tableClusters);
  if (snapshots) {
    view.setUint32(12, snapshots.count);
    putU64(view, 16, snapshots.bytes.length === 0 ? 0 : plan.snapshots * header.clusterSize);
  }
  device.write(from, fields);
}

interface Chosen {
  readonly plan: Plan;
  readonly survey: Survey;
}

/** How often a place behind the file is looked for. */
const MAX_ROUNDS = 1000;

/**
 * Chooses the place and makes the file long enough. Where tables refer to what lies behind the end of the file, new
 * refcounts would be taken for data there: they go to what nothing refers to inside the file, or far enough behind
 * it, and then what lies between is part of the file and counted as well.
 */
function* choosePlace(
  device: WritableDevice,
  header: ImageHeader,
  first: Survey,
  snapshotClusters: number,
  countAgain: () => Generator<CheckProgress, Survey>,
): Generator<CheckProgress, Chosen> {
  const { clusterSize } = header;
  let survey = first;
  const fileClusters = divideUp(device.size, clusterSize);
  const prepare = (): Set<number> => {
    // Old refcount blocks that lie far behind the file are replaced; a reference to data reaches one cluster behind it.
    survey.counts.truncate(divideUp(device.size, clusterSize) + 1);
    return usedBlocks(survey);
  };
  let used = prepare();
  const inside = (): Plan | undefined =>
    makePlan(() => unreferenced(survey.counts, fileClusters), used, header, snapshotClusters);
  const plan = survey.beyond.isEmpty ? undefined : inside();
  if (plan) return { plan, survey };
  let base = Math.max(fileClusters, survey.counts.end);
  for (let round = 0; round < MAX_ROUNDS && !survey.beyond.isEverywhere; round++) {
    const behindFile = makePlan(() => behind(base), used, header, snapshotClusters);
    if (!behindFile) break;
    const last = survey.beyond.lastIn(base, behindFile.end);
    if (last !== undefined) {
      base = last + 1;
      continue;
    }
    if (survey.beyond.isEmpty || base === divideUp(device.size, clusterSize)) {
      if (grow(device, behindFile.end * clusterSize)) return { plan: behindFile, survey };
      break;
    }
    if (!grow(device, base * clusterSize)) break;
    survey = yield* countAgain();
    used = prepare();
  }
  const last = first.beyond.isEmpty ? inside() : undefined;
  if (last) return { plan: last, survey };
  throw new DiskwrightError('no-space', 'qcow2: no room for new refcounts, neither in the file nor behind it.');
}

/**
 * Afterwards the header has to be read again; the clusters of the old structure are leaks. `countAgain` counts all
 * references after the file has become longer.
 */
export function* rebuildRefcounts(
  device: WritableDevice,
  header: ImageHeader,
  counted: Survey,
  countAgain: () => Generator<CheckProgress, Survey>,
  snapshots?: NewSnapshotTable,
): Generator<CheckProgress, void> {
  const { clusterSize } = header;
  const snapshotClusters = (snapshots?.bytes.length ?? 0) / clusterSize;
  const before = device.size;
  let switched = false;
  try {
    const { plan, survey } = yield* choosePlace(device, header, counted, snapshotClusters, countAgain);
    // The caller's counts are not used any more.
    const { counts } = survey;
    if (snapshotClusters > 0) counts.add(plan.snapshots, snapshotClusters, 1);
    counts.add(plan.table, plan.tableClusters, 1);
    for (const cluster of plan.blocks) counts.add(cluster, 1, 1);
    yield* writeBlocks(device, header, plan, counts);
    for (let at = 0; snapshots && at < snapshots.bytes.length; at += MAX_TRANSFER) {
      device.write(plan.snapshots * clusterSize + at, snapshots.bytes.subarray(at, at + MAX_TRANSFER));
    }
    writeTable(device, header, plan);
    device.flush();
    switched = true;
    switchHeader(device, header, plan, snapshots);
    device.flush();
  } finally {
    // Left early: nothing refers to what was written.
    if (!switched && device.size > before) device.resize(before);
  }
}
