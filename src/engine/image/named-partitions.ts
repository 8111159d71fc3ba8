/** The named fields of partition tables, for bytes of a disk: MBR in the first sector, GPT header and entries. */
import { formatBytes } from '../bytes/units.ts';
import { type DiskBytes, standsAt, viewAt } from './disk-bytes.ts';
import type { NamedField } from './named-fields.ts';
import { MBR_TYPES } from './partition-types.ts';

const SECTOR = 512;
const MOST_ENTRIES = 64;

const leadsTo = (at: number): { readonly leads: { readonly space: 'guest'; readonly at: number } } => ({
  leads: { space: 'guest', at },
});

function* mbrFields(disk: DiskBytes): Generator<NamedField> {
  const view = viewAt(disk, 0, SECTOR);
  if (view.getUint16(510) !== 0x55aa) return;
  yield { at: 0, length: 440, name: 'boot code', value: '', note: 'What a BIOS runs.' };
  yield { at: 440, length: 4, name: 'disk signature', value: `0x${view.getUint32(440, true).toString(16)}` };
  for (let i = 0; i < 4; i++) {
    const at = 446 + i * 16;
    const type = view.getUint8(at + 4);
    const first = view.getUint32(at + 8, true) * SECTOR;
    const name = `partition ${i + 1}`;
    yield { at, length: 1, name: `${name}: active`, value: view.getUint8(at) === 0x80 ? 'yes' : 'no' };
    yield { at: at + 1, length: 3, name: `${name}: first CHS`, value: 'not used today' };
    yield {
      at: at + 4,
      length: 1,
      name: `${name}: type`,
      value: type === 0 ? 'none' : (MBR_TYPES[type] ?? `0x${type.toString(16)}`),
    };
    yield { at: at + 5, length: 3, name: `${name}: last CHS`, value: 'not used today' };
    yield {
      at: at + 8,
      length: 4,
      name: `${name}: begins at`,
      value: formatBytes(first),
      ...(type === 0 ? {} : leadsTo(first)),
    };
    yield {
      at: at + 12,
      length: 4,
      name: `${name}: length`,
      value: formatBytes(view.getUint32(at + 12, true) * SECTOR),
    };
  }
  yield { at: 510, length: 2, name: 'signature', value: '55 aa' };
}

function* gptFields(disk: DiskBytes, sector: number): Generator<NamedField> {
  if (!standsAt(disk, sector, 'EFI PART')) return;
  const view = viewAt(disk, sector, 96);
  const u64 = (at: number): number => Number(view.getBigUint64(at, true));
  const field = (at: number, length: number, name: string, value: string): NamedField => ({
    at: sector + at,
    length,
    name,
    value,
  });
  const table = u64(72) * sector;
  const entryBytes = view.getUint32(84, true);
  yield field(0, 8, 'GPT signature', '"EFI PART"');
  yield field(8, 4, 'revision', `0x${view.getUint32(8, true).toString(16)}`);
  yield field(12, 4, 'header length', String(view.getUint32(12, true)));
  yield field(16, 4, 'header CRC', `0x${view.getUint32(16, true).toString(16)}`);
  yield field(24, 8, 'this header at', formatBytes(u64(24) * sector));
  yield { ...field(32, 8, 'other header at', formatBytes(u64(32) * sector)), ...leadsTo(u64(32) * sector) };
  yield field(40, 8, 'first usable', formatBytes(u64(40) * sector));
  yield field(48, 8, 'last usable', formatBytes(u64(48) * sector));
  yield { ...field(72, 8, 'partition entries at', formatBytes(table)), ...leadsTo(table) };
  yield field(80, 4, 'partition entries', String(view.getUint32(80, true)));
  yield field(84, 4, 'entry length', String(entryBytes));
  if (entryBytes < 128 || entryBytes > 4096 || table <= 0 || table >= disk.size) return;
  const count = Math.min(MOST_ENTRIES, view.getUint32(80, true));
  const entries = viewAt(disk, table, count * entryBytes);
  for (let i = 0; i < count; i++) {
    const from = i * entryBytes;
    const [first, last] = [
      Number(entries.getBigUint64(from + 32, true)),
      Number(entries.getBigUint64(from + 40, true)),
    ];
    if (last === 0) continue;
    const name = `partition ${i + 1}`;
    yield { at: table + from, length: 16, name: `${name}: type`, value: 'GUID' };
    yield { at: table + from + 16, length: 16, name: `${name}: its own GUID`, value: 'GUID' };
    yield {
      at: table + from + 32,
      length: 8,
      name: `${name}: begins at`,
      value: formatBytes(first * sector),
      ...leadsTo(first * sector),
    };
    yield { at: table + from + 40, length: 8, name: `${name}: ends with`, value: formatBytes((last + 1) * sector) };
    yield {
      at: table + from + 48,
      length: 8,
      name: `${name}: attributes`,
      value: `0x${entries.getBigUint64(from + 48, true).toString(16)}`,
    };
    yield { at: table + from + 56, length: 72, name: `${name}: name`, value: nameAt(entries, from + 56) };
  }
}

function nameAt(view: DataView, at: number): string {
  let name = '';
  for (let i = 0; i < 36; i++) {
    const unit = view.getUint16(at + i * 2, true);
    if (unit === 0) break;
    name += String.fromCharCode(unit);
  }
  return name;
}

/** Fields that touch [at, at + length) of a disk, in order. */
export function partitionFields(disk: DiskBytes, at: number, length: number): NamedField[] {
  const touches = (field: NamedField): boolean => field.at < at + length && field.at + field.length > at;
  // Everything named lies in front of the first partition, which begins at 1 MiB in practice.
  if (at >= 1024 * 1024) return [];
  const all = [...mbrFields(disk), ...gptFields(disk, SECTOR), ...gptFields(disk, 4096)];
  return all.filter(touches).sort((a, b) => a.at - b.at);
}
