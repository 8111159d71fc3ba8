/** The named fields of the bitmap directory and of the bitmaps' tables. */
import { formatBytes } from '../../bytes/units.ts';
import type { ReadableDevice } from '../../device/device.ts';
import type { NamedField } from '../../image/named-fields.ts';
import { readBytes } from '../../image/recognise.ts';
import type { ClusterMap } from './cluster-map.ts';
import { offsetOf } from './entry.ts';

const HEAD = 24;
const MOST = 512;

function* directoryFields(map: ClusterMap): Generator<NamedField> {
  const directory = map.bitmaps;
  if (!directory) return;
  let at = directory.offset;
  for (const { name, storedName, table, flags, granularityBits } of directory.bitmaps) {
    const field = (from: number, length: number, what: string, value: string, note?: string): NamedField => ({
      at: at + from,
      length,
      name: `bitmap "${name}": ${what}`,
      value,
      ...(note === undefined ? {} : { note }),
    });
    yield { ...field(0, 8, 'table at', formatBytes(table.offset)), leads: { space: 'file', at: table.offset } };
    yield field(8, 4, 'table entries', String(table.entries));
    yield field(12, 4, 'flags', `0x${flags.toString(16)}`, 'Bit 0: in use, not to be trusted. Bit 1: recording.');
    yield field(16, 1, 'type', '1', 'Dirty tracking.');
    yield field(17, 1, 'granularity', formatBytes(2 ** granularityBits), 'What one bit stands for.');
    yield field(18, 2, 'name length', String(storedName.length));
    yield field(20, 4, 'extra length', '0');
    yield field(HEAD, storedName.length, 'name', name);
    at += Math.ceil((HEAD + storedName.length) / 8) * 8;
  }
}

export function* bitmapFields(
  device: ReadableDevice,
  map: ClusterMap,
  at: number,
  length: number,
): Generator<NamedField> {
  const directory = map.bitmaps;
  if (!directory) return;
  if (at < directory.offset + directory.bytes && at + length > directory.offset) {
    yield* directoryFields(map);
    return;
  }
  for (const { name, table } of directory.bitmaps) {
    const first = Math.max(0, Math.floor((at - table.offset) / 8));
    const end = Math.min(table.entries, Math.ceil((at + length - table.offset) / 8), first + MOST);
    if (end <= first) continue;
    const view = new DataView(readBytes(device, table.offset + first * 8, (end - first) * 8).buffer);
    for (let i = first; i < end; i++) {
      const lower = view.getInt32((i - first) * 8 + 4);
      const offset = offsetOf(view.getInt32((i - first) * 8), lower);
      yield {
        at: table.offset + i * 8,
        length: 8,
        name: `bitmap "${name}": entry ${i}`,
        value: offset > 0 ? `bits at ${formatBytes(offset)}` : (lower & 1) === 1 ? 'all set' : 'all clear',
        ...(offset > 0 ? { leads: { space: 'file', at: offset } as const } : {}),
      };
    }
    return;
  }
}
