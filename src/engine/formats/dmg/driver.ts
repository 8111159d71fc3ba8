/**
 * Recognises macOS disk images (UDIF) and reads their size; all big-endian.
 *
 * The magic stands in a trailer, where a guest could write it into a raw disk. Like QEMU, only the file
 * name decides: it ends with `.dmg`.
 */
import { bigU64, reserved, struct, u32 } from '../../bytes/struct.ts';
import type { ReadableDevice } from '../../device/device.ts';
import type { FormatDriver } from '../../image/format.ts';
import {
  corrupt,
  diskSize,
  lengthInSectors,
  notThisFormat,
  readBytes,
  SECTOR,
  unsupported,
} from '../../image/recognise.ts';

const trailer = struct('UDIF trailer', 'big', {
  /** `koly`, version, size, flags, running data fork offset. */
  start: reserved(24),
  /** Offsets and lengths are bytes of the file. */
  dataForkOffset: bigU64,
  dataForkLength: bigU64,
  resourceForkOffset: bigU64,
  resourceForkLength: bigU64,
  /** Segment numbers, data checksum. */
  checksums: reserved(160),
  plistOffset: bigU64,
  plistLength: bigU64,
  /** Reserved bytes, main checksum, image variant. */
  middle: reserved(260),
  /** Of the disk. */
  sectors: bigU64,
});

/** Head of a Macintosh resource fork; the data it tells of is resources, each behind its length. */
const forkHeader = struct('DMG resource fork', 'big', { dataOffset: u32, mapOffset: u32, dataLength: u32 });
const resourceLength = struct('DMG resource', 'big', { bytes: u32 });

/** More than any image has; a walk must end. */
const MAX_RESOURCES = 65536;
const MAX_PLIST = 16n * 1024n * 1024n;
const KOLY = 0x6b6f6c79;

/** The trailer has 512 bytes and ends with the file, which need not end at a whole sector. */
function findTrailer(device: ReadableDevice): number {
  const length = lengthInSectors(device);
  if (length < SECTOR) throw notThisFormat('Not a DMG image: it is shorter than the trailer, 512 bytes.');
  const from = Math.max(0, length - 2 * SECTOR + 1);
  const area = readBytes(device, from, Math.min(length, SECTOR + 3));
  const view = new DataView(area.buffer);
  for (let at = 0; at + 4 <= area.length; at++) if (view.getUint32(at) === KOLY) return from + at;
  throw notThisFormat('Not a DMG image: its last bytes hold no "koly" trailer.');
}

/** The lengths of the resources must add up, as QEMU finds the block map among them. */
function checkResources(device: ReadableDevice, fork: number, length: number): void {
  const head = forkHeader.read(readBytes(device, fork, forkHeader.size));
  const end = head.dataOffset + head.dataLength;
  if (head.dataLength === 0 || end > length) throw corrupt('DMG resource fork: its data is not inside it.');
  let at = head.dataOffset;
  for (let count = 0; at < end; count++) {
    if (count === MAX_RESOURCES) throw unsupported(`DMG resource fork: more than ${MAX_RESOURCES} resources.`);
    const { bytes } = resourceLength.read(readBytes(device, fork + at, resourceLength.size));
    if (bytes === 0 || bytes > end - at) throw corrupt(`DMG resource fork: resource ${count} has ${bytes} bytes.`);
    at += resourceLength.size + bytes;
  }
}

export const dmgDriver: FormatDriver = {
  probe(device, fileName) {
    return device.size > 0 && fileName?.endsWith('.dmg') ? 'file name ends with .dmg' : undefined;
  },

  virtualSize(device) {
    const at = findTrailer(device);
    const foot = trailer.read(readBytes(device, at, trailer.size));
    const end = BigInt(at);
    if (foot.dataForkOffset > end) throw corrupt('UDIF trailer: the data fork begins behind the trailer.');
    for (const [name, offset, length] of [
      ['resource fork', foot.resourceForkOffset, foot.resourceForkLength],
      ['property list', foot.plistOffset, foot.plistLength],
    ] as const) {
      if (offset >= end || length > end - offset) throw corrupt(`UDIF trailer: the ${name} reaches into the trailer.`);
    }
    if (foot.resourceForkLength === 0n && foot.plistLength === 0n) {
      throw unsupported('UDIF trailer: it has neither a resource fork nor a property list.');
    }
    if (foot.resourceForkLength !== 0n) {
      checkResources(device, Number(foot.resourceForkOffset), Number(foot.resourceForkLength));
    } else if (foot.plistLength > MAX_PLIST)
      throw unsupported('UDIF trailer: the property list is longer than 16 MiB.');
    return diskSize('DMG', foot.sectors * BigInt(SECTOR));
  },
};
