/**
 * Recognises VHD images and reads their size as QEMU 7.2 does (Microsoft's "Virtual Hard Disk Image
 * Format Specification"; all big-endian).
 *
 * The footer ends the file, and growing images repeat it at byte 0. Only that copy is recognised: a
 * fixed image is raw data with a footer that a guest could forge, so its format must be named.
 */
import { isPowerOfTwo, roundUp } from '../../bytes/math.ts';
import { ascii, bigU64, reserved, struct, u8, u16, u32 } from '../../bytes/struct.ts';
import type { ReadableDevice } from '../../device/device.ts';
import type { FormatDriver } from '../../image/format.ts';
import {
  corrupt,
  diskSize,
  holdsText,
  lengthInSectors,
  notThisFormat,
  readBytes,
  SECTOR,
  unsupported,
} from '../../image/recognise.ts';
import { endOfBlocks } from './block-table.ts';

const footer = struct('VHD footer', 'big', {
  cookie: ascii(8),
  features: u32,
  formatVersion: u32,
  /** Of the dynamic disk header; all ones in a fixed image. */
  dataOffset: bigU64,
  timestamp: u32,
  creatorApp: ascii(4),
  creatorVersion: u32,
  creatorHost: ascii(4),
  originalSize: bigU64,
  /** Bytes. */
  currentSize: bigU64,
  cylinders: u16,
  heads: u8,
  sectorsPerTrack: u8,
  /** 2 fixed, 3 dynamic, 4 differencing. */
  diskType: u32,
  checksum: u32,
  uuid: reserved(16),
  savedState: u8,
  rest: reserved(427),
});

const dynamicHeader = struct('VHD dynamic header', 'big', {
  cookie: ascii(8),
  dataOffset: bigU64,
  tableOffset: bigU64,
  headerVersion: u32,
  maxTableEntries: u32,
  /** Bytes of data in a block. */
  blockSize: u32,
  checksum: u32,
});

const COOKIE = 'conectix';
const FIXED = 2;
const DYNAMIC_COOKIE = 'cxsparse';
/** Programs whose images are as large as `currentSize`; all others go by the geometry. NUL ends "tap". */
const TRUSTS_SIZE = ['win ', 'qem2', 'd2v ', 'tap'];
/** Sectors of the largest geometry; with it, the true size is in `currentSize`. */
const MAX_GEOMETRY = 65535 * 16 * 255;
/** The largest disk in blocks of 32 KiB; programs make blocks of 512 KiB and more. */
const MAX_ENTRIES = 2 ** 26;
/** 2040 GiB in sectors. */
const MAX_SECTORS = 0xff000000;

interface Found {
  readonly bytes: Uint8Array;
  readonly fixed: boolean;
}

const isFixed = (raw: Uint8Array): boolean =>
  footer.get('cookie', raw) === COOKIE && footer.get('diskType', raw) === FIXED;

function findFooter(device: ReadableDevice): Found {
  const head = readBytes(device, 0, footer.size);
  if (footer.get('cookie', head) === COOKIE) return { bytes: head, fixed: false };
  const end = lengthInSectors(device);
  const tail = readBytes(device, Math.max(0, end - footer.size), footer.size);
  if (end < footer.size || !isFixed(tail)) {
    throw notThisFormat('Not a VHD image: it neither begins with "conectix" nor ends with the footer of a fixed disk.');
  }
  return { bytes: tail, fixed: true };
}

/** Ones' complement of the sum of all bytes but the checksum's own. */
function checksumOf(bytes: Uint8Array): number {
  const at = footer.offsets.checksum;
  let sum = 0;
  bytes.forEach((byte, i) => {
    if (i < at || i >= at + 4) sum += byte;
  });
  return ~sum >>> 0;
}

function checkDynamic(device: ReadableDevice, at: bigint, sectors: bigint): void {
  if (at > BigInt(lengthInSectors(device)))
    throw corrupt('VHD footer: the dynamic header lies past the end of the file.');
  const raw = readBytes(device, Number(at), dynamicHeader.size);
  const head = dynamicHeader.read(raw);
  if (head.cookie !== DYNAMIC_COOKIE) throw corrupt(`VHD dynamic header at ${at}: it does not begin with "cxsparse".`);
  if (!isPowerOfTwo(head.blockSize) || head.blockSize < SECTOR) {
    throw corrupt(`VHD dynamic header: blocks have ${head.blockSize} bytes, expected a power of two, 512 or more.`);
  }
  const block = BigInt(head.blockSize);
  const entries = BigInt(head.maxTableEntries);
  if (entries > (BigInt(MAX_SECTORS) * BigInt(SECTOR)) / block) {
    throw corrupt(`VHD dynamic header: ${entries} blocks of ${block} bytes are more than 2040 GiB.`);
  }
  if (entries * block < sectors * BigInt(SECTOR)) {
    throw corrupt(`VHD dynamic header: ${entries} blocks of ${block} bytes do not hold the disk.`);
  }
  if (head.maxTableEntries > MAX_ENTRIES) {
    throw unsupported(`VHD dynamic header: ${entries} blocks, at most ${MAX_ENTRIES} work here.`);
  }
  const length = lengthInSectors(device);
  if (head.tableOffset + entries * 4n > BigInt(length)) {
    throw corrupt('VHD dynamic header: the block table lies past the end of the file.');
  }
  const bitmap = roundUp(head.blockSize / (8 * SECTOR), SECTOR);
  const end = endOfBlocks(device, Number(head.tableOffset), head.maxTableEntries, bitmap + head.blockSize);
  if (end > length)
    throw corrupt(`VHD block table: blocks reach to byte ${end}, but the file ends at ${length}: it is cut off.`);
}

export const vpcDriver: FormatDriver = {
  probe(device) {
    return holdsText(device, 0, COOKIE) ? '"conectix" at 0' : undefined;
  },

  virtualSize(device) {
    const { bytes, fixed } = findFooter(device);
    const foot = footer.read(bytes);
    const expected = checksumOf(bytes);
    if (foot.checksum !== expected) {
      throw corrupt(
        `VHD footer: checksum is 0x${foot.checksum.toString(16)}, its bytes give 0x${expected.toString(16)}.`,
      );
    }
    const geometry = foot.cylinders * foot.heads * foot.sectorsPerTrack;
    const trusted = TRUSTS_SIZE.includes(foot.creatorApp) || geometry === MAX_GEOMETRY;
    const sectors = trusted ? foot.currentSize / BigInt(SECTOR) : BigInt(geometry);
    if (sectors > BigInt(MAX_SECTORS))
      throw unsupported(`VHD footer: the disk has ${sectors} sectors, at most 2040 GiB work.`);
    if (!fixed) checkDynamic(device, foot.dataOffset, sectors);
    return diskSize('VHD', sectors * BigInt(SECTOR));
  },
};
