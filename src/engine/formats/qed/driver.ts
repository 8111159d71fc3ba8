/** Recognises QED images and reads their size (QEMU's `docs/interop/qed_spec.txt`; all little-endian). */
import { isPowerOfTwo } from '../../bytes/math.ts';
import { bigU64, struct, u32 } from '../../bytes/struct.ts';
import { cString } from '../../bytes/text.ts';
import type { FormatDriver } from '../../image/format.ts';
import { corrupt, diskSize, lengthInSectors, notThisFormat, readBytes, unsupported } from '../../image/recognise.ts';

const header = struct('QED header', 'little', {
  magic: u32,
  /** Bytes. */
  clusterSize: u32,
  /** Clusters of an L1 or L2 table. */
  tableSize: u32,
  /** Clusters. */
  headerSize: u32,
  features: bigU64,
  compatFeatures: bigU64,
  autoclearFeatures: bigU64,
  l1TableOffset: bigU64,
  /** Bytes. */
  imageSize: bigU64,
  backingFilenameOffset: u32,
  backingFilenameSize: u32,
});

const MAGIC = 0x00444551;
const BACKING_FILE = 1n;
const BACKING_IS_RAW = 4n;
/** Backing file, needs check, backing file is raw. */
const KNOWN_FEATURES = 7n;
const MAX_BACKING_NAME = 1023;

export const qedDriver: FormatDriver = {
  probe(device) {
    return header.get('magic', readBytes(device, 0, header.size)) === MAGIC ? '"QED\\0" at 0' : undefined;
  },

  virtualSize(device) {
    const head = header.read(readBytes(device, 0, header.size));
    if (head.magic !== MAGIC) throw notThisFormat('Not a QED image: it does not begin with "QED\\0".');
    const unknown = head.features & ~KNOWN_FEATURES;
    if (unknown !== 0n) throw unsupported(`QED header: feature bits 0x${unknown.toString(16)} are unknown.`);
    if (!isPowerOfTwo(head.clusterSize) || head.clusterSize < 4096 || head.clusterSize > 2 ** 26) {
      throw corrupt(`QED header: clusters have ${head.clusterSize} bytes, expected a power of two, 4 KiB to 64 MiB.`);
    }
    if (!isPowerOfTwo(head.tableSize) || head.tableSize > 16 || head.tableSize === 1) {
      // The format allows one cluster, but QEMU opens no such image.
      throw corrupt(`QED header: tables have ${head.tableSize} clusters, expected 2, 4, 8 or 16.`);
    }
    const headerBytes = BigInt(head.headerSize) * BigInt(head.clusterSize);
    if (headerBytes >> 32n !== 0n) throw corrupt(`QED header: it claims ${headerBytes} bytes, 4 GiB or more.`);
    const entries = BigInt((head.tableSize * head.clusterSize) / 8);
    const most = entries * entries * BigInt(head.clusterSize);
    if (head.imageSize > most || head.imageSize % 512n !== 0n) {
      throw corrupt(
        `QED header: the disk has ${head.imageSize} bytes, expected whole sectors and at most ${most} bytes.`,
      );
    }
    const clusters = BigInt(Math.floor(lengthInSectors(device) / head.clusterSize));
    const size = BigInt(head.clusterSize);
    const end = head.l1TableOffset + BigInt(head.tableSize) * size;
    if (head.l1TableOffset % size !== 0n || head.l1TableOffset < headerBytes || end > clusters * size) {
      throw corrupt(`QED header: the L1 table at 0x${head.l1TableOffset.toString(16)} is not whole inside the file.`);
    }
    if (head.features & BACKING_FILE) {
      const nameEnd = BigInt(head.backingFilenameOffset) + BigInt(head.backingFilenameSize);
      if (nameEnd > headerBytes || head.backingFilenameSize > MAX_BACKING_NAME) {
        throw corrupt(`QED header: the backing file's name (${head.backingFilenameSize} bytes) does not fit.`);
      }
    }
    return diskSize('QED', head.imageSize);
  },

  backing(device) {
    const head = header.read(readBytes(device, 0, header.size));
    if (!(head.features & BACKING_FILE)) return undefined;
    const name = cString(readBytes(device, head.backingFilenameOffset, head.backingFilenameSize));
    if (name === '') return undefined;
    return head.features & BACKING_IS_RAW ? { name, format: 'raw' } : { name };
  },
};
