/**
 * The partition table of a disk: MBR with its chain of logical partitions, or GPT with sectors of 512 or 4096 bytes.
 * A guest wrote it, so nothing in it is believed: what reaches beyond the disk is shown and said to do so, chains and
 * tables have limits.
 */

import { type DiskBytes, partOf, standsAt, viewAt } from './disk-bytes.ts';
import { type Content, contentOf } from './file-systems.ts';
import { GPT_TYPES, MBR_TYPES } from './partition-types.ts';

export interface Partition {
  /** As Linux counts them. */
  readonly number: number;
  readonly at: number;
  readonly length: number;
  /** What the table says that it is for. */
  readonly type: string;
  /** GPT only. */
  readonly name?: string;
  /** Marked to boot from (MBR). */
  readonly active?: true;
  /** What stands in it. */
  readonly content?: Content;
  /** It reaches beyond the end of the disk. */
  readonly outside?: true;
}

export interface DiskLayout {
  /** Absent: no partition table. */
  readonly table?: 'MBR' | 'GPT';
  readonly reason?: string;
  readonly partitions: readonly Partition[];
  /** What is odd about the table, in words. */
  readonly notes: readonly string[];
  /** What stands on the disk itself, without a table (or beside it: a hybrid ISO). */
  readonly content?: Content;
}

const SECTOR = 512;
const MOST_LOGICAL = 128;
const MOST_GPT = 1024;
const EXTENDED = [5, 15, 0x85];
const PROTECTIVE = 0xee;

interface MbrEntry {
  readonly status: number;
  readonly type: number;
  readonly first: number;
  readonly sectors: number;
}

function mbrEntries(disk: DiskBytes, at: number): MbrEntry[] | undefined {
  const view = viewAt(disk, at, SECTOR);
  if (view.getUint16(510) !== 0x55aa) return undefined;
  return [0, 1, 2, 3].map((i) => {
    const from = 446 + i * 16;
    return {
      status: view.getUint8(from),
      type: view.getUint8(from + 4),
      first: view.getUint32(from + 8, true),
      sectors: view.getUint32(from + 12, true),
    };
  });
}

function partition(disk: DiskBytes, facts: Omit<Partition, 'content' | 'outside'>): Partition {
  const outside = facts.at + facts.length > disk.size;
  const content = facts.at < disk.size ? contentOf(partOf(disk, facts.at, facts.length)) : undefined;
  return { ...facts, ...(content ? { content } : {}), ...(outside ? { outside } : {}) };
}

const mbrPartition = (disk: DiskBytes, number: number, { status, type, sectors }: MbrEntry, at: number): Partition =>
  partition(disk, {
    number,
    at,
    length: sectors * SECTOR,
    type: MBR_TYPES[type] ?? `type 0x${type.toString(16).padStart(2, '0')}`,
    ...(status === 0x80 ? { active: true } : {}),
  });

/** Logical partitions: each sector of the chain names one and the next sector. */
function* logical(disk: DiskBytes, start: number, notes: string[]): Generator<Partition> {
  const seen = new Set<number>();
  let number = 5;
  for (let at = start; ; ) {
    if (seen.has(at) || seen.size >= MOST_LOGICAL) {
      notes.push('The chain of logical partitions has no end; it is shown as far as it makes sense.');
      return;
    }
    seen.add(at);
    const entries = mbrEntries(disk, at * SECTOR);
    if (!entries) {
      notes.push(`The chain of logical partitions breaks off at sector ${at}.`);
      return;
    }
    const [own, next] = entries;
    if (own && own.sectors > 0 && own.type !== 0) yield mbrPartition(disk, number++, own, (at + own.first) * SECTOR);
    if (!next || next.sectors === 0 || !EXTENDED.includes(next.type)) return;
    at = start + next.first;
  }
}

/** A boot sector ends in 55 aa, too; a table has sound entries. */
function isTable(entries: readonly MbrEntry[]): boolean {
  const used = entries.filter(({ type, sectors }) => type !== 0 && sectors > 0);
  return used.length > 0 && entries.every(({ status }) => status === 0 || status === 0x80);
}

function readMbr(disk: DiskBytes, entries: readonly MbrEntry[]): DiskLayout {
  const notes: string[] = [];
  const partitions: Partition[] = [];
  for (const [i, entry] of entries.entries()) {
    if (entry.type === 0 || entry.sectors === 0) continue;
    partitions.push(mbrPartition(disk, i + 1, entry, entry.first * SECTOR));
    if (EXTENDED.includes(entry.type)) partitions.push(...logical(disk, entry.first, notes));
  }
  return { table: 'MBR', reason: '55 aa at 510', partitions, notes };
}

function guid(view: DataView, at: number): string {
  const part = (from: number, bytes: number, little: boolean): string => {
    let text = '';
    for (let i = 0; i < bytes; i++) {
      const byte = view.getUint8(at + from + (little ? bytes - 1 - i : i));
      text += byte.toString(16).padStart(2, '0');
    }
    return text.toUpperCase();
  };
  return [part(0, 4, true), part(4, 2, true), part(6, 2, true), part(8, 2, false), part(10, 6, false)].join('-');
}

function utf16(view: DataView, at: number, bytes: number): string {
  let text = '';
  for (let from = at; from + 2 <= at + bytes; from += 2) {
    const unit = view.getUint16(from, true);
    if (unit === 0) break;
    text += String.fromCharCode(unit);
  }
  return text.trim();
}

const u64 = (view: DataView, at: number): number => Number(view.getBigUint64(at, true));

function readGpt(disk: DiskBytes, sector: number): DiskLayout {
  const notes: string[] = [];
  const header = viewAt(disk, sector, 96);
  const table = u64(header, 72) * sector;
  const entryBytes = header.getUint32(84, true);
  const count = Math.min(header.getUint32(80, true), MOST_GPT);
  const partitions: Partition[] = [];
  if (entryBytes < 128 || entryBytes > 4096 || entryBytes % 8 !== 0 || table >= disk.size) {
    notes.push('Its header does not lead to a table of partitions.');
  } else {
    const entries = viewAt(disk, table, count * entryBytes);
    for (let i = 0; i < count; i++) {
      const at = i * entryBytes;
      const type = guid(entries, at);
      if (type === '00000000-0000-0000-0000-000000000000') continue;
      const first = u64(entries, at + 32);
      const last = u64(entries, at + 40);
      if (last < first || first * sector > Number.MAX_SAFE_INTEGER) {
        notes.push(`Partition ${i + 1} ends before it begins.`);
        continue;
      }
      const name = utf16(entries, at + 56, entryBytes - 56);
      const facts = { number: i + 1, at: first * sector, length: (last - first + 1) * sector };
      partitions.push(partition(disk, { ...facts, type: GPT_TYPES[type] ?? type, ...(name === '' ? {} : { name }) }));
    }
  }
  const end = (u64(header, 32) + 1) * sector;
  if (end < disk.size) notes.push('The second copy of the table is not at the end of the disk: the disk was grown.');
  if (end > disk.size) notes.push('The disk is shorter than the table says: the end of it is missing.');
  return { table: 'GPT', reason: `"EFI PART" at ${sector}`, partitions, notes };
}

/** Reads what a disk is divided into. Never throws on content; reading itself may. */
export function readDiskLayout(disk: DiskBytes): DiskLayout {
  const content = contentOf(disk);
  const beside = content ? { content } : {};
  for (const sector of [512, 4096]) {
    if (standsAt(disk, sector, 'EFI PART')) return { ...readGpt(disk, sector), ...beside };
  }
  const entries = mbrEntries(disk, 0);
  // FAT and NTFS begin with a boot sector that is no table.
  const bootSector = content !== undefined && /^(?:FAT|NTFS|exFAT|ReFS|BitLocker)/.test(content.name);
  if (!entries || bootSector || !isTable(entries)) return { partitions: [], notes: [], ...beside };
  const layout = readMbr(disk, entries);
  const lost = entries.some(({ type }) => type === PROTECTIVE);
  const notes = lost ? [...layout.notes, 'It protects a GPT that is not there.'] : layout.notes;
  return { ...layout, notes, ...beside };
}
