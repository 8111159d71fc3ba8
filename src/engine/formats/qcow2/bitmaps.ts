/**
 * The bitmap directory, read and written, and the tables that its entries name (contract: qcow2-format.md §7). A
 * bitmap has a table, a table entry names a cluster of bits or says that all of them are 0 or 1.
 */

import { divideUp, roundUp } from '../../bytes/math.ts';
import { bytes as bytesField, struct, u8, u16, u32, u64, type Values } from '../../bytes/struct.ts';
import { decodeUtf8 } from '../../bytes/text.ts';
import { MAX_TRANSFER, type ReadableDevice } from '../../device/device.ts';
import { DiskwrightError } from '../../errors.ts';
import { readBytes } from '../../image/recognise.ts';
import { offsetOf } from './entry.ts';

/** Data of the header extension. */
const extensionData = struct('bitmaps extension', 'big', {
  count: u32,
  reserved: bytesField(4),
  directorySize: u64,
  directoryOffset: u64,
});

const directoryEntry = struct('bitmap directory entry', 'big', {
  tableOffset: u64,
  tableSize: u32, // entries
  flags: u32, // see BitmapFlag
  type: u8, // 1 = dirty tracking
  granularityBits: u8,
  nameSize: u16,
  extraSize: u32,
});

export const BitmapFlag = {
  /** Somebody has it open for writing, or had and is gone: what it says is not to be trusted. */
  inUse: 1,
  /** Records what guests write. */
  auto: 2,
} as const;

const DIRTY_TRACKING = 1;
export const MAX_BITMAPS = 65535;
export const MAX_DIRECTORY_BYTES = 65535 * 1024;
/** Bytes of bits of one bitmap. */
export const MAX_BITMAP_BYTES = 0x20000000;
export const MAX_BITMAP_NAME = 1023;
export const MIN_GRANULARITY_BITS = 9;
export const MAX_GRANULARITY_BITS = 31;

export interface Bitmap {
  readonly name: string;
  /** The name as it is in the file. */
  readonly storedName: Uint8Array;
  readonly table: { readonly offset: number; readonly entries: number };
  readonly flags: number;
  readonly granularityBits: number;
}

export interface BitmapDirectory {
  readonly offset: number;
  readonly bytes: number;
  readonly bitmaps: readonly Bitmap[];
}

const broken = (fact: string): DiskwrightError => new DiskwrightError('corrupt', `qcow2 bitmaps: ${fact}.`);

/** Whether an entry is one that QEMU opens. */
function isPossible(entry: Values<typeof directoryEntry>, clusterSize: number): boolean {
  return (
    entry.extraSize === 0 &&
    entry.type === DIRTY_TRACKING &&
    entry.flags >>> 2 === 0 &&
    entry.tableSize > 0 &&
    entry.tableSize * clusterSize <= MAX_BITMAP_BYTES &&
    entry.tableOffset !== 0 &&
    entry.tableOffset % clusterSize === 0 &&
    entry.granularityBits >= MIN_GRANULARITY_BITS &&
    entry.granularityBits <= MAX_GRANULARITY_BITS &&
    entry.nameSize > 0 &&
    entry.nameSize <= MAX_BITMAP_NAME
  );
}

/** Reads the directory that the extension's data points at. Throws `corrupt`. */
export function readBitmaps(device: ReadableDevice, extension: Uint8Array, clusterSize: number): BitmapDirectory {
  if (extension.length !== extensionData.size)
    throw broken(`the extension has ${extension.length} bytes, not ${extensionData.size}`);
  const { count, directorySize, directoryOffset } = extensionData.read(extension);
  if (count === 0 || count > MAX_BITMAPS) throw broken(`${count} bitmaps, 1 to ${MAX_BITMAPS} are possible`);
  if (directoryOffset % clusterSize !== 0)
    throw broken(`the directory is at ${directoryOffset}, not at the start of a cluster`);
  if (directorySize > MAX_DIRECTORY_BYTES) throw broken(`the directory has ${directorySize} bytes`);
  if (directoryOffset + directorySize > device.size + clusterSize)
    throw broken('the directory lies beyond the end of the file');
  const directory = new Uint8Array(directorySize);
  for (let from = 0; from < directorySize; from += MAX_TRANSFER) {
    device.read(directoryOffset + from, directory.subarray(from, from + MAX_TRANSFER));
  }
  const bitmaps: Bitmap[] = [];
  let at = 0;
  while (at < directorySize) {
    if (at + directoryEntry.size > directorySize) throw broken('the directory ends inside an entry');
    const entry = directoryEntry.read(directory, at);
    const names = at + directoryEntry.size + entry.extraSize;
    const end = roundUp(names + entry.nameSize, 8);
    if (end > directorySize) throw broken('the directory ends inside an entry');
    const storedName = directory.slice(names, names + entry.nameSize);
    const name = decodeUtf8(storedName);
    if (!isPossible(entry, clusterSize)) throw broken(`the directory entry of "${name}" cannot be`);
    bitmaps.push({
      name,
      storedName,
      table: { offset: entry.tableOffset, entries: entry.tableSize },
      flags: entry.flags,
      granularityBits: entry.granularityBits,
    });
    at = end;
  }
  if (bitmaps.length !== count) throw broken(`the directory has ${bitmaps.length} entries, the header says ${count}`);
  return { offset: directoryOffset, bytes: directorySize, bitmaps };
}

/** Length of a directory entry for a name of so many bytes. */
export const directoryEntryBytes = (nameBytes: number): number => roundUp(directoryEntry.size + nameBytes, 8);

export const directoryBytes = (bitmaps: readonly Bitmap[]): number =>
  bitmaps.reduce((sum, { storedName }) => sum + directoryEntryBytes(storedName.length), 0);

/** All of a directory. */
export function encodeDirectory(bitmaps: readonly Bitmap[]): Uint8Array {
  const directory = new Uint8Array(directoryBytes(bitmaps));
  let at = 0;
  for (const { table, flags, granularityBits, storedName } of bitmaps) {
    directoryEntry.write(
      {
        tableOffset: table.offset,
        tableSize: table.entries,
        flags,
        type: DIRTY_TRACKING,
        granularityBits,
        nameSize: storedName.length,
        extraSize: 0,
      },
      directory,
      at,
    );
    directory.set(storedName, at + directoryEntry.size);
    at += directoryEntryBytes(storedName.length);
  }
  return directory;
}

/** Bytes of bits for a disk, in whole 64-bit words as QEMU stores them. */
export const bitmapBytes = (diskSize: number, granularityBits: number): number =>
  divideUp(divideUp(diskSize, 2 ** granularityBits), 64) * 8;

/** What a table entry says when its bits are all 1. In memory: a table holds offsets, 0 for "all 0", and this. */
export const ALL_ONES = 1;

/** A bitmap's table: for each cluster of bits its byte offset, 0, or ALL_ONES. Throws `corrupt`. */
export function readBitmapTable(
  device: ReadableDevice,
  { name, table }: Pick<Bitmap, 'name' | 'table'>,
  clusterSize: number,
): Float64Array {
  const entries = new Float64Array(table.entries);
  for (let from = 0; from < table.entries; from += MAX_TRANSFER / 8) {
    const count = Math.min(MAX_TRANSFER / 8, table.entries - from);
    const at = table.offset + from * 8;
    const view = new DataView(readBytes(device, at, count * 8).buffer);
    for (let i = 0; i < count; i++) {
      const upper = view.getUint32(i * 8);
      const lower = view.getUint32(i * 8 + 4);
      const offset = offsetOf(upper, lower);
      const ones = (lower & 1) !== 0;
      const reserved = upper >>> 24 !== 0 || (lower & 0x1fe) !== 0 || (ones && offset !== 0);
      if (reserved || offset % clusterSize !== 0) throw broken(`"${name}", table entry ${from + i} cannot be`);
      entries[from + i] = ones ? ALL_ONES : offset;
    }
  }
  return entries;
}
