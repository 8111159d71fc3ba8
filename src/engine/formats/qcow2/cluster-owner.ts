/** From a cluster of the file back to what it belongs to, and from a guest address to its cluster. */
import type { ReadableDevice } from '../../device/device.ts';
import { ClusterKind } from '../../image/cluster-kinds.ts';
import type { ClusterOwner } from '../../image/exploration.ts';
import { readBytes } from '../../image/recognise.ts';
import { readL1Entries } from './check/l1-tables.ts';
import { storedCount } from './check/stored-refcounts.ts';
import type { ClusterMap } from './cluster-map.ts';
import { COMPRESSED, compressedRange, offsetOf } from './entry.ts';

const entryBytes = ({ header }: ClusterMap): number => (header.extendedL2 ? 16 : 8);

/** Bytes of the disk that one L2 table maps. */
export const mappedBytes = ({ header }: ClusterMap): number =>
  header.clusterSize * (header.clusterSize / (header.extendedL2 ? 16 : 8));

/** The L1 entry that names an L2 table, −1 if none of the active ones does. */
function l1IndexOf(device: ReadableDevice, map: ClusterMap, offset: number): number {
  let found = -1;
  readL1Entries(device, map.header.l1, (index, upper, lower) => {
    if (found < 0 && offsetOf(upper, lower) === offset) found = index;
  });
  return found;
}

/** The entry of a table that leads to the cluster [at, at + cluster size), −1 if none does. */
function entryTo(device: ReadableDevice, map: ClusterMap, table: number, at: number): number {
  const { clusterSize, clusterBits, extendedL2 } = map.header;
  const step = extendedL2 ? 16 : 8;
  const bytes = readBytes(device, table, clusterSize);
  const view = new DataView(bytes.buffer);
  for (let from = 0; from < clusterSize; from += step) {
    const upper = view.getInt32(from);
    const lower = view.getInt32(from + 4);
    if ((upper | lower) === 0) continue;
    if ((upper & COMPRESSED) !== 0) {
      const place = compressedRange(upper & 0x7fff_ffff, lower, clusterBits);
      if (place.at < at + clusterSize && place.at + place.length > at) return from / step;
    } else if (offsetOf(upper, lower) === at) return from / step;
  }
  return -1;
}

function activeTable(device: ReadableDevice, map: ClusterMap, index: number): number {
  const bytes = readBytes(device, map.header.l1.offset + index * 8, 8);
  const view = new DataView(bytes.buffer);
  return offsetOf(view.getInt32(0), view.getInt32(4));
}

/** Tables whose data lies around `at`; few, unless the file is scattered. */
function* candidates(ranges: Float64Array, at: number): Generator<number> {
  for (let i = 0; i * 2 < ranges.length; i++) {
    if ((ranges[i * 2 + 1] ?? 0) > at && (ranges[i * 2] ?? 0) <= at) yield i;
  }
}

/** A table of the disk at most every 64 steps: so that a search through a scattered file can be cancelled. */
export function* dataOwner(
  device: ReadableDevice,
  map: ClusterMap,
  at: number,
): Generator<void, ClusterOwner | undefined> {
  for (const index of candidates(map.ranges, at)) {
    yield;
    const table = activeTable(device, map, index);
    const entry = entryTo(device, map, table, at);
    if (entry < 0) continue;
    const guest = index * mappedBytes(map) + entry * map.header.clusterSize;
    return { text: 'Data of the disk.', guest, entry: table + entry * entryBytes(map) };
  }
  for (const index of candidates(map.snapshotRanges, at)) {
    yield;
    const table = map.snapshotL2[index] ?? 0;
    const entry = entryTo(device, map, table, at);
    if (entry < 0) continue;
    return { text: 'Data that only snapshots use.', entry: table + entry * entryBytes(map) };
  }
  return undefined;
}

function within(at: number, from: number, length: number): boolean {
  return at >= from && at < from + length;
}

function snapshotText(device: ReadableDevice, map: ClusterMap, at: number): string {
  const { clusterSize } = map.header;
  if (within(at, map.snapshotTable.offset, map.snapshotTable.bytes)) {
    return `The snapshot table: one entry for each of ${map.snapshots.length}.`;
  }
  for (const { id, name, l1 } of map.snapshots) {
    const reach = Math.ceil((l1.entries * 8) / clusterSize) * clusterSize;
    if (within(at, l1.offset, reach)) return `The L1 table of snapshot ${id} "${name}".`;
  }
  for (const { id, name, l1 } of map.snapshots) {
    let index = -1;
    readL1Entries(device, l1, (i, upper, lower) => {
      if (offsetOf(upper, lower) === at) index = i;
    });
    if (index >= 0) return `L2 table ${index} of snapshot ${id} "${name}".`;
  }
  return 'A table of a snapshot.';
}

function bitmapText({ bitmaps, header }: ClusterMap, at: number): string {
  if (!bitmaps) return 'A part of a bitmap.';
  if (within(at, bitmaps.offset, Math.max(1, bitmaps.bytes))) return 'The bitmap directory.';
  for (const { name, table } of bitmaps.bitmaps) {
    const reach = Math.ceil((table.entries * 8) / header.clusterSize) * header.clusterSize;
    if (within(at, table.offset, reach)) return `The table of bitmap "${name}".`;
  }
  return 'Bits of a bitmap: one for each stretch of the disk.';
}

/** What a cluster is for. Reads only the tables that may tell. */
export function* ownerOf(device: ReadableDevice, map: ClusterMap, cluster: number): Generator<void, ClusterOwner> {
  const { header } = map;
  const at = cluster * header.clusterSize;
  switch (map.kinds.get(cluster)) {
    case ClusterKind.free:
      return { text: 'Free: nothing refers to it, and it is counted as free.' };
    case ClusterKind.header:
      return { text: 'The header, its extensions and the name of the backing file.' };
    case ClusterKind.refcountTable:
      return { text: 'The refcount table: where each refcount block is.' };
    case ClusterKind.refcountBlock: {
      const index = map.stored.blocks.indexOf(at);
      const first = index * map.stored.blockRefcounts;
      return { text: `Refcount block ${index}: counts clusters ${first} to ${first + map.stored.blockRefcounts - 1}.` };
    }
    case ClusterKind.l1:
      return { text: `The L1 table: ${header.l1.entries} entries, one for each L2 table.` };
    case ClusterKind.l2: {
      const index = l1IndexOf(device, map, at);
      const guest = index * mappedBytes(map);
      const entry = header.l1.offset + index * 8;
      return index < 0 ? { text: 'An L2 table.' } : { text: `L2 table ${index}.`, guest, entry };
    }
    case ClusterKind.snapshotTable:
      return { text: snapshotText(device, map, at) };
    case ClusterKind.bitmap:
      return { text: bitmapText(map, at) };
    case ClusterKind.encryption:
      return { text: 'The LUKS header: key slots and key material.' };
    case ClusterKind.leaked:
      return { text: 'Leaked: counted as used, and nothing refers to it. Wasted space, no harm to data.' };
    default: {
      const owner = yield* dataOwner(device, map, at);
      const kind = map.kinds.get(cluster);
      if (kind === ClusterKind.conflict) {
        const text = 'Two things claim it, or it is used and counted as free. Writing to the image may lose data.';
        return { ...owner, text };
      }
      if (kind === ClusterKind.compressed)
        return { ...owner, text: 'Compressed data; parts of several clusters may lie here.' };
      if (kind === ClusterKind.zero) return { ...owner, text: 'Kept for the disk, reads as zeros.' };
      if (kind === ClusterKind.shared) return { ...owner, text: 'Data that the disk and snapshots share.' };
      return owner ?? { text: 'Data.' };
    }
  }
}

/** The count that the file stores for a cluster. */
export const countOf = (device: ReadableDevice, map: ClusterMap, cluster: number): number =>
  storedCount(device, map.stored, map.header.refcountBits, cluster);

/** The entries that lead to a guest address: of the L1 table, and of its L2 table if there is one. */
export function entriesFor(
  device: ReadableDevice,
  map: ClusterMap,
  guest: number,
): { readonly l1: number; readonly l2?: number } {
  const mapped = mappedBytes(map);
  const index = Math.floor(guest / mapped);
  const l1 = map.header.l1.offset + index * 8;
  if (index >= map.header.l1.entries) return { l1: map.header.l1.offset };
  const table = activeTable(device, map, index);
  if (table === 0) return { l1 };
  const entry = Math.floor((guest - index * mapped) / map.header.clusterSize);
  return { l1, l2: table + entry * (map.header.extendedL2 ? 16 : 8) };
}
