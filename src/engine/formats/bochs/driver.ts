/** Recognises growing images of Bochs and reads their size (Bochs, "redolog" disks; all little-endian). */
import { divideUp, isPowerOfTwo } from '../../bytes/math.ts';
import { ascii, bigU64, struct, u32 } from '../../bytes/struct.ts';
import type { FormatDriver } from '../../image/format.ts';
import { corrupt, diskSize, notThisFormat, readBytes, SECTOR, unsupported } from '../../image/recognise.ts';

const header = struct('Bochs header', 'little', {
  magic: ascii(32),
  type: ascii(16),
  subtype: ascii(16),
  version: u32,
  headerSize: u32,
  /** Entries; one per extent of the disk. */
  catalog: u32,
  /** Bytes. */
  bitmap: u32,
  /** Bytes. */
  extent: u32,
});
/** What follows it, by version: bytes of the disk. */
const tailV1 = struct('Bochs header, version 1', 'little', { disk: bigU64 });
const tailV2 = struct('Bochs header, version 2', 'little', { timestamp: u32, disk: bigU64 });

const V1 = 0x00010000;
const V2 = 0x00020000;
/** As many as the largest disk of Bochs needs (8 TB). */
const MAX_CATALOG = 0x100000;
const MAX_EXTENT = 0x800000;

const isRedolog = (head: { magic: string; type: string; subtype: string }): boolean =>
  head.magic === 'Bochs Virtual HD Image' && head.type === 'Redolog' && head.subtype === 'Growing';

export const bochsDriver: FormatDriver = {
  probe(device) {
    const head = header.read(readBytes(device, 0, header.size));
    if (!isRedolog(head) || (head.version !== V1 && head.version !== V2)) return undefined;
    return `"Bochs Virtual HD Image" at 0, growing redolog, version ${head.version >>> 16}`;
  },

  virtualSize(device) {
    const raw = readBytes(device, 0, header.size + tailV2.size);
    const head = header.read(raw);
    if (!isRedolog(head)) throw notThisFormat('Not a growing Bochs image: its header names no growing redolog.');
    if (head.version !== V1 && head.version !== V2) {
      throw unsupported(`Bochs header: version is 0x${head.version.toString(16)}, expected 0x10000 or 0x20000.`);
    }
    const disk = (head.version === V1 ? tailV1 : tailV2).read(raw, header.size).disk;
    const size = diskSize('Bochs', disk);
    if (head.catalog > MAX_CATALOG)
      throw corrupt(`Bochs header: the catalog has ${head.catalog} entries, at most ${MAX_CATALOG} work.`);
    if (!isPowerOfTwo(head.extent) || head.extent < SECTOR || head.extent > MAX_EXTENT) {
      throw corrupt(`Bochs header: extents have ${head.extent} bytes, expected a power of two, 512 bytes to 8 MiB.`);
    }
    if (head.catalog < divideUp(size, head.extent)) {
      throw corrupt(
        `Bochs header: ${head.catalog} extents of ${head.extent} bytes do not hold a disk of ${size} bytes.`,
      );
    }
    return size;
  },
};
