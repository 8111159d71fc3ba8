/**
 * What each cluster of an image file is for, and what each cluster of the guest's disk is. Every table is read once
 * and no data; damage is drawn, not thrown: what cannot be read is left out, what contradicts itself is a conflict.
 *
 * Memory is one byte a cluster of the file and of the disk, where something is, and 16 bytes an L2 table.
 */
import { divideUp } from '../../bytes/math.ts';
import { getU64 } from '../../bytes/u64.ts';
import type { ReadableDevice } from '../../device/device.ts';
import { DiskwrightError } from '../../errors.ts';
import { ClusterKind, ClusterKinds } from '../../image/cluster-kinds.ts';
import type { CheckProgress } from '../../image/report.ts';
import type { BitmapDirectory } from './bitmaps.ts';
import { readL1Entries } from './check/l1-tables.ts';
import { type CheckedSnapshot, readCheckedTable } from './check/snapshot-table.ts';
import { readRefcountTable, readTable, type StoredRefcounts } from './check/stored-refcounts.ts';
import { COMPRESSED, compressedRange, extendedKindOf, Kind, kindOf, offsetOf, READS_ZERO } from './entry.ts';
import { type Extension, extensionsOf } from './extensions.ts';
import { NumberList } from './growable.ts';
import { ExtensionType } from './header.ts';
import type { ImageHeader } from './image-header.ts';
import { MAX_L1_BYTES } from './limits.ts';
import { openHeader } from './open-header.ts';
import { refcountAt } from './refcounts/refcount-bits.ts';
import { bitmapsOf, isExternal } from './validate.ts';

/** Tables are read at least this much between two reports of progress. */
const PROGRESS_BYTES = 1024 * 1024;
/** L1 tables of snapshots, together: a hostile image could name one large table 65536 times. */
const MAX_SNAPSHOT_L1 = 256 * 1024 * 1024;

const { data, zero, compressed, shared, snapshotData, l2, conflict } = ClusterKind;

const isData = (kind: number): boolean => kind >= data && kind <= snapshotData;

/** Two uses of one cluster. */
function merge(old: number, kind: number): number {
  if (!isData(old) || !isData(kind)) return conflict;
  if (old === compressed || kind === compressed) return old === kind ? compressed : conflict;
  return old === snapshotData && kind === snapshotData ? snapshotData : shared;
}

export interface SnapshotUse {
  readonly id: string;
  readonly name: string;
  readonly l1: { readonly offset: number; readonly entries: number };
}

/** What is known of the tables as soon as they are found; `kinds` and `guest` fill up while the walk goes on. */
export interface ClusterMap {
  readonly header: ImageHeader;
  readonly kinds: ClusterKinds;
  /** Clusters of the guest's disk; `free` is what this image does not hold. */
  readonly guest: ClusterKinds;
  /** Byte length of the file. */
  readonly fileLength: number;
  readonly snapshots: readonly SnapshotUse[];
  readonly snapshotTable: { readonly offset: number; readonly bytes: number };
  readonly bitmaps: BitmapDirectory | undefined;
  readonly stored: StoredRefcounts;
  /** Active L2 tables by L1 index: the byte range of the file that their data lies in, [lowest, highest]. */
  readonly ranges: Float64Array;
  /** L2 tables that snapshots have, ascending, and their ranges. */
  readonly snapshotL2: Float64Array;
  readonly snapshotRanges: Float64Array;
  /** What could not be read, in words. */
  readonly notes: readonly string[];
}

/** Undefined where it throws what we know; the note is kept. */
function attempt<T>(notes: string[], read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof DiskwrightError) || error.kind === 'io') throw error;
    notes.push(error.message);
    return undefined;
  }
}

interface Context {
  readonly device: ReadableDevice;
  readonly header: ImageHeader;
  readonly kinds: ClusterKinds;
  readonly guest: ClusterKinds;
  readonly external: boolean;
}

function markBytes({ header, kinds }: Context, at: number, length: number, kind: number): void {
  if (length <= 0 || at < 0) return;
  const first = Math.floor(at / header.clusterSize);
  kinds.mark(first, Math.floor((at + length - 1) / header.clusterSize) + 1 - first, kind, merge);
}

/** Remembers in which part of the file a table's data lies. */
function widen(ranges: Float64Array, index: number, low: number, high: number): void {
  const at = index * 2;
  if ((ranges[at + 1] ?? 0) === 0) {
    ranges[at] = low;
    ranges[at + 1] = high;
    return;
  }
  if (low < (ranges[at] ?? 0)) ranges[at] = low;
  if (high > (ranges[at + 1] ?? 0)) ranges[at + 1] = high;
}

/** Marks what the entries of one L2 table refer to. `guestFirst` is −1 for a table that only snapshots have. */
function markTable(
  context: Context,
  table: DataView,
  use: {
    readonly guestFirst: number;
    readonly inSnapshot: boolean;
    readonly ranges: Float64Array;
    readonly index: number;
  },
): void {
  const { header, kinds, guest, external } = context;
  const { clusterSize, clusterBits, extendedL2 } = header;
  const step = extendedL2 ? 16 : 8;
  const active = use.guestFirst >= 0;
  const plain = active ? (use.inSnapshot ? shared : data) : snapshotData;
  for (let at = 0; at < table.byteLength; ) {
    const upper = table.getInt32(at);
    const lower = table.getInt32(at + 4);
    const index = at / step;
    if ((upper | lower) === 0 && step === 8) {
      at += step;
      continue;
    }
    if ((upper & COMPRESSED) !== 0) {
      const place = compressedRange(upper & 0x7fff_ffff, lower, clusterBits);
      markBytes(context, place.at, place.length, compressed);
      widen(use.ranges, use.index, place.at, place.at + place.length);
      if (active) guest.mark(use.guestFirst + index, 1, compressed);
      at += step;
      continue;
    }
    const kind = extendedL2
      ? extendedKindOf(upper, lower, table.getUint32(at + 12), table.getUint32(at + 8), external)
      : kindOf(upper, lower, external);
    let count = 1;
    const placed = kind === Kind.normal || kind === Kind.zeroAllocated;
    if (placed && step === 8) {
      // How far does the run of this entry go?
      let nextUpper = upper;
      let nextLower = (lower + clusterSize) | 0;
      if ((nextLower & ~READS_ZERO) === 0) nextUpper = (nextUpper + 1) | 0;
      for (let next = at + 8; next < table.byteLength; next += 8) {
        if (table.getInt32(next) !== nextUpper || table.getInt32(next + 4) !== nextLower) break;
        count++;
        nextLower = (nextLower + clusterSize) | 0;
        if ((nextLower & ~READS_ZERO) === 0) nextUpper = (nextUpper + 1) | 0;
      }
    }
    const guestKind = kind === Kind.normal ? plain : kind === Kind.unallocated ? 0 : zero;
    if (active && guestKind !== 0) guest.mark(use.guestFirst + index, count, guestKind);
    if (placed && !external) {
      const offset = offsetOf(upper, lower);
      // An offset between two clusters touches one more.
      if (offset % clusterSize !== 0) markBytes(context, offset, count * clusterSize, conflict);
      else {
        const hostKind = kind === Kind.zeroAllocated && plain === data ? zero : plain;
        kinds.mark(offset / clusterSize, count, hostKind, merge);
      }
      widen(use.ranges, use.index, offset, offset + count * clusterSize);
    }
    at += count * step;
  }
}

/** L2 tables that the snapshots' L1 tables name, ascending, each once. */
function snapshotTables(context: Context, snapshots: readonly CheckedSnapshot[], notes: string[]): Float64Array {
  const found = new NumberList();
  let walked = 0;
  for (const { l1, name } of snapshots) {
    walked += l1.entries * 8;
    if (l1.offset % context.header.clusterSize !== 0 || l1.entries * 8 > MAX_L1_BYTES || walked > MAX_SNAPSHOT_L1) {
      notes.push(`The tables of snapshot "${name}" cannot be where they are said to be.`);
      continue;
    }
    markBytes(context, l1.offset, l1.entries * 8, ClusterKind.snapshotTable);
    readL1Entries(context.device, l1, (_index, upper, lower) => {
      const offset = offsetOf(upper, lower);
      if (offset !== 0 && offset < context.device.size) found.push(offset);
    });
  }
  const all = found.sorted();
  return all.filter((offset, i) => i === 0 || offset !== all[i - 1]);
}

export function holds(sorted: Float64Array, value: number): boolean {
  let low = 0;
  let high = sorted.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const found = sorted[middle] ?? 0;
    if (found === value) return true;
    if (found < value) low = middle + 1;
    else high = middle - 1;
  }
  return false;
}

function markBitmaps(context: Context, directory: BitmapDirectory | undefined): void {
  if (!directory) return;
  const { device, header } = context;
  markBytes(context, directory.offset, directory.bytes, ClusterKind.bitmap);
  for (const { table } of directory.bitmaps) {
    markBytes(context, table.offset, table.entries * 8, ClusterKind.bitmap);
    const bytes = Math.min(table.entries * 8, Math.max(0, device.size - table.offset));
    readTable(device, table.offset, bytes - (bytes % 8), (view) => {
      for (let at = 0; at < view.byteLength; at += 8) {
        const offset = offsetOf(view.getInt32(at), view.getInt32(at + 4));
        if (offset !== 0) markBytes(context, offset, header.clusterSize, ClusterKind.bitmap);
      }
    });
  }
}

function markCrypto(context: Context, extensions: readonly Extension[]): void {
  for (const { type, data: bytes } of extensions) {
    if (type !== ExtensionType.crypto || bytes.length !== 16) continue;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    markBytes(context, getU64(view, 0), getU64(view, 8), ClusterKind.encryption);
  }
}

/** Compares what is used with what is counted, for one refcount block. */
function compareBlock(
  kinds: ClusterKinds,
  block: DataView | undefined,
  first: number,
  slots: number,
  bits: number,
): void {
  const end = Math.min(kinds.length, first + slots);
  for (let cluster = first; cluster < end; ) {
    const index = Math.floor(cluster / ClusterKinds.pageSize);
    const page = kinds.page(index);
    const base = index * ClusterKinds.pageSize;
    const to = Math.min(end, base + ClusterKinds.pageSize);
    for (; cluster < to; cluster++) {
      const counted = block !== undefined && refcountAt(block, cluster - first, bits) > 0;
      const kind = page?.[cluster - base] ?? 0;
      if (counted === (kind !== 0)) continue;
      if (counted) kinds.mark(cluster, 1, ClusterKind.leaked);
      else if (page) page[cluster - base] = conflict;
    }
  }
}

/** Numbers of the refcount blocks that exist or whose clusters are in use, ascending. */
function blockNumbers({ blocks, blockRefcounts }: StoredRefcounts, kinds: ClusterKinds): number[] {
  const numbers = new Set<number>();
  const end = divideUp(kinds.length, blockRefcounts);
  for (let i = 0; i < Math.min(end, blocks.length); i++) if ((blocks[i] ?? 0) > 0) numbers.add(i);
  for (const page of kinds.pageNumbers()) {
    const from = page * ClusterKinds.pageSize;
    const last = Math.min(end - 1, Math.floor((from + ClusterKinds.pageSize - 1) / blockRefcounts));
    for (let i = Math.floor(from / blockRefcounts); i <= last; i++) numbers.add(i);
  }
  return [...numbers].sort((a, b) => a - b);
}

/**
 * Finds the tables at once, and walks them in steps: `begin` gives the map that `steps` fills. Throws where not even
 * the header leads anywhere.
 */
export function mapClusters(device: ReadableDevice): {
  readonly map: ClusterMap;
  readonly steps: Generator<CheckProgress, void>;
} {
  const header = openHeader(device, 'check');
  const { clusterSize } = header;
  const notes: string[] = [];
  const extensions = attempt(notes, () => extensionsOf(device, header)) ?? [];
  const kinds = new ClusterKinds(divideUp(device.size, clusterSize));
  const guest = new ClusterKinds(divideUp(header.virtualSize, clusterSize));
  const context: Context = { device, header, kinds, guest, external: isExternal(header) };
  const table = attempt(notes, () => readCheckedTable(device, header, true));
  const snapshots = table?.snapshots ?? [];
  const bitmaps = attempt(notes, () => bitmapsOf(device, header, extensions));
  const stored = readRefcountTable(device, header);
  markBytes(context, 0, clusterSize, ClusterKind.header);
  markBytes(context, header.l1.offset, header.l1.entries * 8, ClusterKind.l1);
  const tableBytes = header.refcountTable.clusters * clusterSize;
  markBytes(context, header.refcountTable.offset, tableBytes, ClusterKind.refcountTable);
  for (const offset of stored.blocks)
    if (offset > 0) markBytes(context, offset, clusterSize, ClusterKind.refcountBlock);
  const snapshotPlace = { offset: header.snapshots.offset, bytes: table?.bytes ?? 0 };
  markBytes(context, snapshotPlace.offset, snapshotPlace.bytes, ClusterKind.snapshotTable);
  markCrypto(context, extensions);
  const snapshotL2 = snapshotTables(context, snapshots, notes);
  const map: ClusterMap = {
    header,
    kinds,
    guest,
    fileLength: device.size,
    snapshots: snapshots.map(({ id, name, l1 }) => ({ id, name, l1 })),
    snapshotTable: snapshotPlace,
    bitmaps,
    stored,
    ranges: new Float64Array(header.l1.entries * 2),
    snapshotL2,
    snapshotRanges: new Float64Array(snapshotL2.length * 2),
    notes,
  };
  return { map, steps: walk(context, map) };
}

/** Active L2 tables as L1 index and offset, in the order of the L1 table. */
function activeTables({ device, header }: Context): { readonly index: NumberList; readonly offset: NumberList } {
  const index = new NumberList();
  const offset = new NumberList();
  readL1Entries(device, header.l1, (i, upper, lower) => {
    const at = offsetOf(upper, lower);
    if (at === 0 || at >= device.size) return;
    index.push(i);
    offset.push(at);
  });
  return { index, offset };
}

function* walk(context: Context, map: ClusterMap): Generator<CheckProgress, void> {
  const { device, header, kinds } = context;
  const { clusterSize, extendedL2 } = header;
  const tables = activeTables(context);
  const buffer = new Uint8Array(clusterSize);
  const view = new DataView(buffer.buffer);
  const tableEntries = clusterSize / (extendedL2 ? 16 : 8);
  const numbers = blockNumbers(map.stored, kinds);
  let total = (tables.offset.length + map.snapshotL2.length + numbers.length) * clusterSize;
  let done = 0;
  let told = 0;
  const due = (): boolean => {
    done += clusterSize;
    if (done - told < PROGRESS_BYTES) return false;
    told = done;
    return true;
  };
  yield { done, total };

  for (let i = 0; i < tables.offset.length; i++) {
    const offset = tables.offset.at(i);
    const index = tables.index.at(i);
    const cluster = Math.floor(offset / clusterSize);
    // A table that two entries name is walked once, however many they are.
    if (kinds.get(cluster) !== l2) {
      markBytes(context, offset, clusterSize, l2);
      device.read(offset, buffer);
      const inSnapshot = holds(map.snapshotL2, offset);
      markTable(context, view, { guestFirst: index * tableEntries, inSnapshot, ranges: map.ranges, index });
    }
    if (due()) yield { done, total };
  }
  for (let i = 0; i < map.snapshotL2.length; i++) {
    const offset = map.snapshotL2[i] ?? 0;
    if (kinds.get(Math.floor(offset / clusterSize)) !== l2) {
      markBytes(context, offset, clusterSize, ClusterKind.snapshotTable);
      device.read(offset, buffer);
      markTable(context, view, { guestFirst: -1, inSnapshot: true, ranges: map.snapshotRanges, index: i });
    }
    if (due()) yield { done, total };
  }
  markBitmaps(context, map.bitmaps);
  const blocks = blockNumbers(map.stored, kinds);
  total += (blocks.length - numbers.length) * clusterSize;
  for (const number of blocks) {
    const offset = map.stored.blocks[number] ?? 0;
    if (offset > 0) device.read(offset, buffer);
    const { blockRefcounts } = map.stored;
    compareBlock(kinds, offset > 0 ? view : undefined, number * blockRefcounts, blockRefcounts, header.refcountBits);
    if (due()) yield { done, total };
  }
  yield { done: total, total };
}
