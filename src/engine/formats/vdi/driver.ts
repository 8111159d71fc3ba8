/** Recognises VirtualBox images and reads their size (QEMU 7.2, `vdi`; all little-endian). */
import { bigU64, bytes, reserved, struct, u32 } from '../../bytes/struct.ts';
import type { FormatDriver } from '../../image/format.ts';
import { corrupt, diskSize, notThisFormat, readBytes, SECTOR, unsupported } from '../../image/recognise.ts';

const header = struct('VDI header', 'little', {
  /** `<<< … >>>`, free text of the program that made it. */
  text: reserved(64),
  signature: u32,
  /** Major in the upper half. */
  version: u32,
  headerSize: u32,
  /** 1 dynamic, 2 static. */
  imageType: u32,
  imageFlags: u32,
  description: reserved(256),
  /** Bytes from the start of the file. */
  offsetBlockMap: u32,
  offsetData: u32,
  geometry: reserved(12),
  sectorSize: u32,
  unused: reserved(4),
  /** Bytes. */
  diskSize: bigU64,
  blockSize: u32,
  blockExtra: u32,
  blocksInImage: u32,
  blocksAllocated: u32,
  uuidImage: bytes(16),
  uuidLastSnapshot: bytes(16),
  /** Not zero in a differencing image. */
  uuidLink: bytes(16),
  uuidParent: bytes(16),
});

const SIGNATURE = 0xbeda107f;
const VERSION_1_1 = 0x00010001;
const BLOCK = 1024 * 1024;
/** Block map entries that fit 2 GiB less one sector. */
const MAX_BLOCKS = (2 ** 31 - SECTOR) / 4;
const MAX_DISK = BigInt(MAX_BLOCKS) * BigInt(BLOCK);

const isSet = (uuid: Uint8Array): boolean => uuid.some((byte) => byte !== 0);

export const vdiDriver: FormatDriver = {
  probe(device) {
    const head = readBytes(device, 0, header.size);
    return header.get('signature', head) === SIGNATURE ? 'signature 0xbeda107f at 64' : undefined;
  },

  virtualSize(device) {
    const head = header.read(readBytes(device, 0, header.size));
    if (head.signature !== SIGNATURE) throw notThisFormat('Not a VDI image: byte 64 does not hold its signature.');
    if (head.version !== VERSION_1_1) {
      throw unsupported(`VDI header: version is ${head.version >>> 16}.${head.version & 0xffff}, expected 1.1.`);
    }
    if (head.diskSize > MAX_DISK)
      throw unsupported(`VDI header: the disk has ${head.diskSize} bytes, at most ${MAX_DISK} work.`);
    if (head.offsetBlockMap % SECTOR !== 0 || head.offsetData % SECTOR !== 0) {
      throw unsupported('VDI header: block map and data must begin at whole sectors.');
    }
    if (head.sectorSize !== SECTOR)
      throw unsupported(`VDI header: sectors have ${head.sectorSize} bytes, expected 512.`);
    if (head.blockSize !== BLOCK) throw unsupported(`VDI header: blocks have ${head.blockSize} bytes, expected 1 MiB.`);
    if (head.blocksInImage > MAX_BLOCKS)
      throw unsupported(`VDI header: ${head.blocksInImage} blocks, at most ${MAX_BLOCKS} work.`);
    if (isSet(head.uuidLink) || isSet(head.uuidParent)) {
      throw unsupported(
        'VDI header: this is a differencing image, and it says only what changed.',
        'Merge it in VirtualBox first.',
      );
    }
    // VBoxManage makes images of odd sizes; they count as whole sectors.
    const size = diskSize('VDI', head.diskSize + BigInt(SECTOR - 1));
    if (size > head.blocksInImage * BLOCK) {
      throw corrupt(`VDI header: ${head.blocksInImage} blocks do not hold a disk of ${head.diskSize} bytes.`);
    }
    return size;
  },
};
