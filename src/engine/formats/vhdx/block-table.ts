/** Checks the block table of a VHDX: every block that is present lies inside the file and on its own. */
import type { ReadableDevice } from '../../device/device.ts';
import { corrupt, lengthInSectors } from '../../image/recognise.ts';
import type { Metadata } from './metadata.ts';
import { type Regions, touches } from './regions.ts';

const ENTRY_BYTES = 8;
const CHUNK = 1024 * 1024;
/** Low bits of an entry; the offset is in MiB from bit 20 up. */
const STATE = 7;
const FULLY_PRESENT = 6;
const MIB = 1024 * 1024;
/** Sectors that one sector bitmap block covers, in bytes of 512-byte sectors. */
const CHUNK_BYTES = 2 ** 23 * 512;
const MAX_DISK = 64 * 2 ** 40;

/** Payload entries with a bitmap entry behind each full chunk. */
function entriesOf({ blockSize, diskSize }: Metadata): number {
  const blocks = Math.ceil(Number(diskSize) / blockSize);
  return blocks + Math.floor((blocks - 1) / (CHUNK_BYTES / blockSize));
}

export function checkBlockTable(device: ReadableDevice, regions: Regions, metadata: Metadata): void {
  if (metadata.diskSize === 0n) throw corrupt('VHDX metadata: the disk has no bytes.');
  const { start, end } = regions.blockTable;
  const entries = metadata.diskSize > BigInt(MAX_DISK) * 2n ? Number.POSITIVE_INFINITY : entriesOf(metadata);
  if (entries * ENTRY_BYTES > end - start) {
    throw corrupt(`VHDX block table: ${end - start} bytes do not map a disk of ${metadata.diskSize} bytes.`);
  }
  const chunkEntries = CHUNK_BYTES / metadata.blockSize + 1;
  const fileEnd = lengthInSectors(device);
  const tableEnd = Math.min(start + entries * ENTRY_BYTES, device.size);
  const buffer = new Uint8Array(Math.min(CHUNK, Math.max(0, tableEnd - start)));
  const view = new DataView(buffer.buffer);
  let index = 0;
  for (let at = start; at < tableEnd; at += CHUNK) {
    const length = Math.min(CHUNK, tableEnd - at);
    device.read(at, buffer);
    for (let i = 0; i + ENTRY_BYTES <= length; i += ENTRY_BYTES, index++) {
      const low = view.getUint32(i, true);
      if ((low & STATE) !== FULLY_PRESENT || index % chunkEntries === chunkEntries - 1) continue;
      const offset = view.getUint32(i + 4, true) * 2 ** 32 + (low - (low % MIB));
      if (offset + metadata.blockSize > fileEnd) {
        throw corrupt(`VHDX block table: block ${index} at ${offset} reaches past the end of the file: it is cut off.`);
      }
      if (touches(regions.taken, offset, offset + metadata.blockSize)) {
        throw corrupt(`VHDX block table: block ${index} at ${offset} lies over a region of the file.`);
      }
    }
  }
}
