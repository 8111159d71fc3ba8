/** The metadata of a VHDX: block size and disk size (MS-VHDX 2.6; all little-endian). */
import { isPowerOfTwo } from '../../bytes/math.ts';
import { ascii, bigU64, bytes, reserved, struct, u16, u32 } from '../../bytes/struct.ts';
import type { ReadableDevice } from '../../device/device.ts';
import { corrupt, readBytes, unsupported } from '../../image/recognise.ts';
import { guidText, ITEM } from './guid.ts';

const tableHeader = struct('VHDX metadata table', 'little', {
  signature: ascii(8),
  unused: reserved(2),
  entries: u16,
  unused2: reserved(20),
});
const tableEntry = struct('VHDX metadata item', 'little', {
  guid: bytes(16),
  /** Bytes from the start of the metadata region. */
  offset: u32,
  length: u32,
  /** Bit 2: whoever does not know this item must not open the file. */
  flags: u32,
  unused: reserved(4),
});
const fileParameters = struct('VHDX file parameters', 'little', { blockSize: u32, flags: u32 });
const diskSizeItem = struct('VHDX virtual disk size', 'little', { bytes: bigU64 });
const sectorSizeItem = struct('VHDX logical sector size', 'little', { bytes: u32 });

const TABLE_BYTES = 64 * 1024;
const MIB = 1024 * 1024;
const MAX_BLOCK = 256 * MIB;
const HAS_PARENT = 2;
const REQUIRED = 4;
const NEEDED = ['fileParameters', 'virtualDiskSize', 'page83', 'logicalSectorSize', 'physicalSectorSize'] as const;
const KNOWN: readonly string[] = Object.values(ITEM);

export interface Metadata {
  readonly blockSize: number;
  /** Bytes, as stored: perhaps not whole sectors. */
  readonly diskSize: bigint;
}

function readItems(device: ReadableDevice, at: number): ReadonlyMap<string, number> {
  const table = readBytes(device, at, TABLE_BYTES);
  const { signature, entries } = tableHeader.read(table);
  if (signature !== 'metadata') throw corrupt('VHDX metadata: it does not begin with "metadata".');
  if (tableHeader.size + entries * tableEntry.size > TABLE_BYTES) {
    throw corrupt(`VHDX metadata: ${entries} items are more than its table holds.`);
  }
  const items = new Map<string, number>();
  for (let i = 0; i < entries; i++) {
    const entry = tableEntry.read(table, tableHeader.size + i * tableEntry.size);
    const guid = guidText(entry.guid);
    if (KNOWN.includes(guid)) {
      if (items.has(guid)) throw corrupt(`VHDX metadata: item ${guid} is there twice.`);
      items.set(guid, at + entry.offset);
    } else if (entry.flags & REQUIRED) throw unsupported(`VHDX metadata: item ${guid} is required and unknown.`);
  }
  return items;
}

export function readMetadata(device: ReadableDevice, at: number): Metadata {
  const items = readItems(device, at);
  const place = (name: keyof typeof ITEM): number => {
    const found = items.get(ITEM[name]);
    if (found === undefined) throw corrupt(`VHDX metadata: item ${name} is missing.`);
    return found;
  };
  for (const name of NEEDED) place(name);
  // QEMU opens no image that brings the locator of a parent, whether it has a parent or not.
  if (items.has(ITEM.parentLocator)) throw unsupported('VHDX metadata: this is a differencing disk.');
  const parameters = fileParameters.read(readBytes(device, place('fileParameters'), fileParameters.size));
  if (parameters.flags & HAS_PARENT) throw corrupt('VHDX metadata: it has a parent, but does not say which.');
  if (!isPowerOfTwo(parameters.blockSize) || parameters.blockSize < MIB || parameters.blockSize > MAX_BLOCK) {
    throw corrupt(`VHDX metadata: blocks have ${parameters.blockSize} bytes, expected a power of two, 1 to 256 MiB.`);
  }
  const sector = sectorSizeItem.read(readBytes(device, place('logicalSectorSize'), sectorSizeItem.size)).bytes;
  if (sector !== 512) throw unsupported(`VHDX metadata: logical sectors have ${sector} bytes, only 512 work.`);
  const size = diskSizeItem.read(readBytes(device, place('virtualDiskSize'), diskSizeItem.size)).bytes;
  return { blockSize: parameters.blockSize, diskSize: size };
}
