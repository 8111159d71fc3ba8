/** Walks the block table of a growing VHD to find where its last block ends. */
import { roundUp } from '../../bytes/math.ts';
import type { ReadableDevice } from '../../device/device.ts';
import { SECTOR } from '../../image/recognise.ts';

const UNUSED = 0xffffffff;
const CHUNK = 1024 * 1024;

/**
 * Byte behind the table and all blocks (`blockBytes` with their bitmaps). The table must lie inside the
 * file, so the work is bounded by the length of the file.
 */
export function endOfBlocks(device: ReadableDevice, at: number, entries: number, blockBytes: number): number {
  let end = roundUp(at + entries * 4, SECTOR);
  const buffer = new Uint8Array(Math.min(CHUNK, entries * 4));
  for (let from = 0; from < entries * 4; from += CHUNK) {
    const piece = buffer.subarray(0, Math.min(CHUNK, entries * 4 - from));
    device.read(at + from, piece);
    const view = new DataView(piece.buffer, piece.byteOffset, piece.length);
    for (let i = 0; i < piece.length; i += 4) {
      const sector = view.getUint32(i);
      if (sector !== UNUSED) end = Math.max(end, sector * SECTOR + blockBytes);
    }
  }
  return end;
}
