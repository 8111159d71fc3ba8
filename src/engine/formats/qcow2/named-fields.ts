/** The named fields of any stretch of an image file: what stands in its tables, and where each entry leads. */
import { cString } from '../../bytes/text.ts';
import { getU64 } from '../../bytes/u64.ts';
import { formatBytes } from '../../bytes/units.ts';
import type { ReadableDevice } from '../../device/device.ts';
import { ClusterKind } from '../../image/cluster-kinds.ts';
import type { NamedField } from '../../image/named-fields.ts';
import { readBytes } from '../../image/recognise.ts';
import { type ClusterMap, holds } from './cluster-map.ts';
import { mappedBytes } from './cluster-owner.ts';
import { COMPRESSED, COPIED, compressedRange, extendedKindOf, Kind, kindOf, offsetOf } from './entry.ts';
import { bitmapFields } from './named-bitmaps.ts';
import { headerFields } from './named-header.ts';
import { refcountAt } from './refcounts/refcount-bits.ts';
import { isExternal } from './validate.ts';

/** Fields of one answer. */
const MOST = 512;
const ENTRY = 8;
const SNAPSHOT_HEAD = 40;

const hexWord = (view: DataView, at: number): string => `0x${view.getBigUint64(at).toString(16).padStart(16, '0')}`;

interface Stretch {
  readonly device: ReadableDevice;
  readonly map: ClusterMap;
  readonly at: number;
  readonly length: number;
}

/** 64-bit entries of the table at `table` that touch the stretch. */
function* entries(
  { device, at, length }: Stretch,
  table: { readonly offset: number; readonly bytes: number; readonly step: number },
): Generator<{ readonly at: number; readonly index: number; readonly view: DataView }> {
  const { offset, bytes, step } = table;
  const first = Math.max(0, Math.floor((at - offset) / step));
  const end = Math.min(Math.floor(bytes / step), Math.ceil((at + length - offset) / step));
  if (end <= first) return;
  const count = Math.min(end - first, MOST);
  const view = new DataView(readBytes(device, offset + first * step, count * step).buffer);
  for (let i = 0; i < count; i++) {
    yield { at: offset + (first + i) * step, index: first + i, view: new DataView(view.buffer, i * step, step) };
  }
}

function* l1Fields(stretch: Stretch, l1: { readonly offset: number; readonly entries: number }): Generator<NamedField> {
  const table = { offset: l1.offset, bytes: l1.entries * ENTRY, step: ENTRY };
  const mapped = mappedBytes(stretch.map);
  for (const { at, index, view } of entries(stretch, table)) {
    const offset = offsetOf(view.getInt32(0), view.getInt32(4));
    const copied = view.getInt32(0) < 0;
    yield {
      at,
      length: ENTRY,
      name: `L1 entry ${index}`,
      value: offset === 0 ? 'no table' : `L2 at ${formatBytes(offset)}`,
      note: `Maps the disk from ${formatBytes(index * mapped)}.${offset === 0 ? '' : copied ? ' May be written in place (COPIED).' : ' Shared: to be copied before it is written.'}`,
      ...(offset === 0 ? {} : { leads: { space: 'file', at: offset } as const }),
    };
  }
}

const KIND_WORDS: Readonly<Record<Kind, string>> = {
  [Kind.unallocated]: 'not here',
  [Kind.zeroPlain]: 'zeros',
  [Kind.zeroAllocated]: 'zeros, place kept',
  [Kind.normal]: 'data',
  [Kind.compressed]: 'compressed',
};

function entryFacts(map: ClusterMap, view: DataView): { kind: Kind; host: number; length: number } {
  const { clusterBits, clusterSize, extendedL2 } = map.header;
  const [upper, lower] = [view.getInt32(0), view.getInt32(4)];
  if ((upper & COMPRESSED) !== 0) {
    const { at, length } = compressedRange(upper & ~COPIED, lower, clusterBits);
    return { kind: Kind.compressed, host: at, length };
  }
  const external = isExternal(map.header);
  const kind = extendedL2
    ? extendedKindOf(upper, lower, view.getUint32(12), view.getUint32(8), external)
    : kindOf(upper, lower, external);
  return { kind, host: offsetOf(upper, lower), length: clusterSize };
}

/** `guest`: where the table's disk range begins; −1 for a snapshot's table, whose place nobody asks here. */
function* l2Fields(stretch: Stretch, table: number, guest: number): Generator<NamedField> {
  const { map } = stretch;
  const { clusterSize, extendedL2 } = map.header;
  const step = extendedL2 ? 16 : 8;
  for (const { at, index, view } of entries(stretch, { offset: table, bytes: clusterSize, step })) {
    const { kind, host, length } = entryFacts(map, view);
    const placed = kind === Kind.normal || kind === Kind.zeroAllocated || kind === Kind.compressed;
    const address = guest < 0 ? '' : `Guest ${formatBytes(guest + index * clusterSize)}. `;
    const copied =
      view.getInt32(0) < 0
        ? 'May be written in place (COPIED).'
        : placed && kind !== Kind.compressed
          ? 'Shared: to be copied before it is written.'
          : '';
    const packed = kind === Kind.compressed ? `At most ${length} bytes, packed.` : '';
    yield {
      at,
      length: step,
      name: `L2 entry ${index}`,
      value: placed ? `${KIND_WORDS[kind]} at ${formatBytes(host)}` : KIND_WORDS[kind],
      note: `${address}${copied}${packed} ${hexWord(view, 0)}`.trim(),
      ...(placed && !isExternal(map.header) ? { leads: { space: 'file', at: host } as const } : {}),
    };
  }
}

function* refcountTableFields(stretch: Stretch): Generator<NamedField> {
  const { header, stored } = stretch.map;
  const table = {
    offset: header.refcountTable.offset,
    bytes: header.refcountTable.clusters * header.clusterSize,
    step: ENTRY,
  };
  for (const { at, index, view } of entries(stretch, table)) {
    const offset = getU64(view, 0) - (getU64(view, 0) % 512);
    const first = index * stored.blockRefcounts;
    yield {
      at,
      length: ENTRY,
      name: `refcount table entry ${index}`,
      value: offset === 0 ? 'no block' : `block at ${formatBytes(offset)}`,
      note: `Counts clusters ${first} to ${first + stored.blockRefcounts - 1}.`,
      ...(offset === 0 ? {} : { leads: { space: 'file', at: offset } as const }),
    };
  }
}

function* refcountFields(stretch: Stretch, block: number): Generator<NamedField> {
  const { device, map, at, length } = stretch;
  const { refcountBits, clusterSize } = map.header;
  const index = map.stored.blocks.indexOf(block);
  if (index < 0) return;
  const from = Math.max(0, at - block);
  const to = Math.min(clusterSize, at + length - block);
  const view = new DataView(readBytes(device, block, clusterSize).buffer);
  const bytes = Math.max(1, refcountBits / 8);
  const perField = Math.max(1, 8 / refcountBits);
  for (let byte = from - (from % bytes), n = 0; byte < to && n < MOST; byte += bytes, n++) {
    const slot = (byte * 8) / refcountBits;
    const cluster = index * map.stored.blockRefcounts + slot;
    const counts = Array.from({ length: perField }, (_, i) => refcountAt(view, slot + i, refcountBits));
    yield {
      at: block + byte,
      length: bytes,
      name:
        perField === 1 ? `count of cluster ${cluster}` : `counts of clusters ${cluster} to ${cluster + perField - 1}`,
      value: counts.join(' '),
      leads: { space: 'file', at: cluster * clusterSize },
    };
  }
}

function* snapshotFields({ device, map, at, length }: Stretch): Generator<NamedField> {
  const { offset, bytes } = map.snapshotTable;
  let entry = offset;
  for (let i = 0; i < map.snapshots.length && entry < Math.min(at + length, offset + bytes); i++) {
    const head = new DataView(readBytes(device, entry, SNAPSHOT_HEAD).buffer);
    const [idLength, nameLength, extra] = [head.getUint16(12), head.getUint16(14), head.getUint32(36)];
    const names = entry + SNAPSHOT_HEAD + extra;
    const field = (from: number, size: number, name: string, value: string): NamedField => ({
      at: entry + from,
      length: size,
      name: `snapshot ${i + 1}: ${name}`,
      value,
    });
    const l1 = Number(head.getBigUint64(0));
    yield { ...field(0, 8, 'L1 table at', formatBytes(l1)), leads: { space: 'file', at: l1 } };
    yield field(8, 4, 'L1 entries', String(head.getUint32(8)));
    yield field(12, 2, 'id length', String(idLength));
    yield field(14, 2, 'name length', String(nameLength));
    yield field(16, 4, 'seconds', String(head.getUint32(16)));
    yield field(20, 4, 'nanoseconds', String(head.getUint32(20)));
    yield field(24, 8, 'guest clock', `${head.getBigUint64(24)} ns`);
    yield field(32, 4, 'memory size (old)', String(head.getUint32(32)));
    yield field(36, 4, 'extra length', String(extra));
    if (extra >= 16 && extra <= 1024) {
      const more = new DataView(readBytes(device, entry + SNAPSHOT_HEAD, 24).buffer);
      yield field(40, 8, 'memory size', formatBytes(more.getBigUint64(0)));
      yield field(48, 8, 'disk size', formatBytes(more.getBigUint64(8)));
      if (extra >= 24) yield field(56, 8, 'instruction count', String(more.getBigUint64(16)));
    }
    yield field(names - entry, idLength, 'id', cString(readBytes(device, names, idLength)));
    yield field(names - entry + idLength, nameLength, 'name', cString(readBytes(device, names + idLength, nameLength)));
    entry = Math.ceil((names + idLength + nameLength) / 8) * 8;
  }
}

function* fieldsOfSnapshots(stretch: Stretch, cluster: number): Generator<NamedField> {
  const { map } = stretch;
  const { snapshotTable } = map;
  if (cluster < snapshotTable.offset + snapshotTable.bytes && cluster + map.header.clusterSize > snapshotTable.offset) {
    yield* snapshotFields(stretch);
  } else if (holds(map.snapshotL2, cluster)) yield* l2Fields(stretch, cluster, -1);
  else for (const { l1 } of map.snapshots) yield* l1Fields(stretch, l1);
}

function* fieldsOfCluster(stretch: Stretch, cluster: number): Generator<NamedField> {
  const { map, device } = stretch;
  switch (map.kinds.get(cluster / map.header.clusterSize)) {
    case ClusterKind.header:
      yield* headerFields(device);
      return;
    case ClusterKind.l1:
      yield* l1Fields(stretch, map.header.l1);
      return;
    case ClusterKind.l2:
      yield* l2Fields(stretch, cluster, guestOf(stretch, cluster));
      return;
    case ClusterKind.refcountTable:
      yield* refcountTableFields(stretch);
      return;
    case ClusterKind.refcountBlock:
      yield* refcountFields(stretch, cluster);
      return;
    case ClusterKind.snapshotTable:
      yield* fieldsOfSnapshots(stretch, cluster);
      return;
    case ClusterKind.bitmap:
      yield* bitmapFields(device, map, stretch.at, stretch.length);
  }
}

/** Where the disk range of an active L2 table begins, −1 if no L1 entry names it. */
function guestOf({ device, map }: Stretch, table: number): number {
  const { l1 } = map.header;
  for (let from = 0; from < l1.entries; from += 65536) {
    const count = Math.min(65536, l1.entries - from);
    const view = new DataView(readBytes(device, l1.offset + from * 8, count * 8).buffer);
    for (let i = 0; i < count; i++) {
      if (offsetOf(view.getInt32(i * 8), view.getInt32(i * 8 + 4)) === table) return (from + i) * mappedBytes(map);
    }
  }
  return -1;
}

/** Fields that touch [at, at + length), in file order, at most 512. */
export function fieldsIn(device: ReadableDevice, map: ClusterMap, at: number, length: number): NamedField[] {
  const { clusterSize } = map.header;
  const found: NamedField[] = [];
  const end = Math.min(at + length, device.size);
  for (let cluster = Math.floor(at / clusterSize) * clusterSize; cluster < end; cluster += clusterSize) {
    for (const field of fieldsOfCluster({ device, map, at, length }, cluster)) {
      if (field.at >= end || field.at + field.length <= at) continue;
      const last = found.at(-1);
      // A table that goes on in the next cluster names its fields there, too.
      if (last && last.at >= field.at) continue;
      found.push(field);
      if (found.length >= MOST) return found;
    }
  }
  return found;
}
