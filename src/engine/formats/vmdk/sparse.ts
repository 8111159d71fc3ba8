/**
 * The headers of sparse VMDK files: hosted ("KDMV", with a footer if streamed) and ESX 2 ("COWD").
 * "Virtual Disk Format 5.0", section "Hosted Sparse Extents"; all little-endian.
 */
import { ascii, bigU64, reserved, struct, u16, u32 } from '../../bytes/struct.ts';
import type { ReadableDevice } from '../../device/device.ts';
import { assertOffset, corrupt, lengthInSectors, readBytes, SECTOR, unsupported } from '../../image/recognise.ts';

export const hostedHeader = struct('VMDK header', 'little', {
  magic: ascii(4),
  version: u32,
  flags: u32,
  /** All offsets and lengths are sectors. */
  capacity: bigU64,
  grainSize: bigU64,
  descriptorOffset: bigU64,
  descriptorSize: bigU64,
  /** Entries of one grain table. */
  tableEntries: u32,
  redundantDirectoryOffset: bigU64,
  /** All ones: the footer knows. */
  directoryOffset: bigU64,
  /** First sector of data. */
  overhead: bigU64,
  unclean: reserved(1),
  lineEndings: reserved(4),
  compression: u16,
});
export type HostedHeader = ReturnType<typeof hostedHeader.read>;

const cowdHeader = struct('VMDK ESX header', 'little', {
  magic: ascii(4),
  version: u32,
  flags: u32,
  /** Sectors. */
  capacity: u32,
  grainSize: u32,
  directoryOffset: u32,
  directoryEntries: u32,
});

const marker = struct('VMDK marker', 'little', { value: bigU64, size: u32, type: u32 });

export const HOSTED_MAGIC = 'KDMV';
export const COWD_MAGIC = 'COWD';
const AT_END = 0xffff_ffff_ffff_ffffn;
const END_OF_STREAM = 0;
const FOOTER = 3;
const MAX_TABLE_ENTRIES = 512;
const HAS_REDUNDANT_DIRECTORY = 2;
/** Sectors as bytes, in the 64 bits that QEMU has for them. */
const inBytes = (sectors: bigint): bigint => BigInt.asIntN(64, sectors * BigInt(SECTOR));
/** 1 GiB. */
const MAX_GRAIN_SECTORS = 0x200000n;
const MAX_DIRECTORY_ENTRIES = 32n * 1024n * 1024n;

/** A streamed file ends with footer marker, footer and end marker, a sector each. */
function readFooter(device: ReadableDevice): HostedHeader {
  const at = lengthInSectors(device) - 3 * SECTOR;
  if (at < 0) throw corrupt('VMDK footer: the file is too short to have one.');
  const raw = readBytes(device, at, 3 * SECTOR);
  const before = marker.read(raw);
  const behind = marker.read(raw, 2 * SECTOR);
  const footer = hostedHeader.read(raw, SECTOR);
  const endsStream = behind.value === 0n && behind.size === 0 && behind.type === END_OF_STREAM;
  if (footer.magic !== HOSTED_MAGIC || before.size !== 0 || before.type !== FOOTER || !endsStream) {
    throw corrupt('VMDK footer: the last three sectors are not footer and end of stream: the file is cut off.');
  }
  return footer;
}

function checkGrains(grainSize: bigint, directoryEntries: bigint): void {
  if (grainSize > MAX_GRAIN_SECTORS) throw corrupt(`VMDK header: grains have ${grainSize} sectors, more than 1 GiB.`);
  if (directoryEntries > MAX_DIRECTORY_ENTRIES) {
    throw corrupt(`VMDK header: the grain directory has ${directoryEntries} entries, more than 32 Mi.`);
  }
}

/** Sectors of the disk. */
export function hostedSectors(device: ReadableDevice, first: HostedHeader): bigint {
  const head = first.directoryOffset === AT_END ? readFooter(device) : first;
  if (head.version > 3) throw unsupported(`VMDK header: version is ${head.version}, expected 1 to 3.`);
  if (head.tableEntries > MAX_TABLE_ENTRIES) {
    throw corrupt(
      `VMDK header: grain tables have ${head.tableEntries} entries, at most ${MAX_TABLE_ENTRIES} are allowed.`,
    );
  }
  const perTable = BigInt(head.tableEntries) * head.grainSize;
  if (perTable === 0n) throw corrupt('VMDK header: grain tables map no sectors.');
  const entries = (head.capacity + perTable - 1n) / perTable;
  checkGrains(head.grainSize, entries);
  assertOffset('VMDK header: the grain directory', inBytes(head.directoryOffset), entries * 4n);
  if (head.flags & HAS_REDUNDANT_DIRECTORY) {
    assertOffset('VMDK header: the second grain directory', inBytes(head.redundantDirectoryOffset), entries * 4n);
  }
  if (head.overhead > BigInt(lengthInSectors(device) / SECTOR)) {
    throw corrupt(`VMDK header: data begins at sector ${head.overhead}, past the end of the file: it is cut off.`);
  }
  return head.capacity;
}

export function cowdSectors(device: ReadableDevice): bigint {
  const head = cowdHeader.read(readBytes(device, 0, cowdHeader.size));
  checkGrains(BigInt(head.grainSize), BigInt(head.directoryEntries));
  return BigInt(head.capacity);
}
