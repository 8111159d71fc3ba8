/** The bitmap directory and what it refers to (contract: qcow2-format.md §7). */

import { roundUp } from '../../bytes/math.ts';
import { bytes as bytesField, struct, u8, u16, u32, u64 } from '../../bytes/struct.ts';
import { decodeUtf8 } from '../../bytes/text.ts';
import type { ReadableDevice } from '../../device/device.ts';
import { DiskwrightError } from '../../errors.ts';
import { readBytes } from '../../image/recognise.ts';

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
  flags: u32, // 0 in use, 1 auto, 2 extra data compatible
  type: u8, // 1 = dirty tracking
  granularityBits: u8,
  nameSize: u16,
  extraSize: u32,
});

const MAX_DIRECTORY_BYTES = 65535 * 1024;
const MAX_TABLE_BYTES = 0x8000000;

export interface Bitmap {
  readonly name: string;
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

/** Reads the directory that the extension's data points at. Throws `corrupt`. */
export function readBitmaps(device: ReadableDevice, extension: Uint8Array, clusterSize: number): BitmapDirectory {
  if (extension.length !== extensionData.size)
    throw broken(`the extension has ${extension.length} bytes, not ${extensionData.size}`);
  const { count, directorySize, directoryOffset } = extensionData.read(extension);
  if (count === 0 || count > 65535) throw broken(`${count} bitmaps, 1 to 65535 are possible`);
  if (directoryOffset % clusterSize !== 0)
    throw broken(`the directory is at ${directoryOffset}, not at the start of a cluster`);
  if (directorySize > MAX_DIRECTORY_BYTES) throw broken(`the directory has ${directorySize} bytes`);
  if (directoryOffset + directorySize > device.size + clusterSize)
    throw broken('the directory lies beyond the end of the file');
  const directory = readBytes(device, directoryOffset, directorySize);
  const bitmaps: Bitmap[] = [];
  let at = 0;
  while (at < directorySize) {
    if (at + directoryEntry.size > directorySize) throw broken('the directory ends inside an entry');
    const entry = directoryEntry.read(directory, at);
    const names = at + directoryEntry.size + entry.extraSize;
    const end = roundUp(names + entry.nameSize, 8);
    if (end > directorySize) throw broken('the directory ends inside an entry');
    if (entry.tableSize * 8 > MAX_TABLE_BYTES) throw broken(`a table of ${entry.tableSize} entries`);
    bitmaps.push({
      name: decodeUtf8(directory.subarray(names, names + entry.nameSize)),
      table: { offset: entry.tableOffset, entries: entry.tableSize },
      flags: entry.flags,
      granularityBits: entry.granularityBits,
    });
    at = end;
  }
  if (bitmaps.length !== count) throw broken(`the directory has ${bitmaps.length} entries, the header says ${count}`);
  return { offset: directoryOffset, bytes: directorySize, bitmaps };
}
