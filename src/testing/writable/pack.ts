/** Compresses clusters as whoever writes them to an image must: raw deflate with a window of 4 KiB, or a zstd frame. */
import { deflateRawSync } from 'node:zlib';
import type { WritableImage } from '../../engine/image/writable.ts';

const MAX_BLOCK = 128 * 1024;

/** A zstd frame of plain blocks and blocks of one repeated byte: no entropy coding, but a frame all the same. */
function zstdFrame(bytes: Uint8Array): Uint8Array {
  const head = Buffer.alloc(9);
  head.writeUInt32LE(0xfd2fb528);
  // One segment, a content size of four bytes.
  head[4] = 0xa0;
  head.writeUInt32LE(bytes.length, 5);
  const parts: Uint8Array[] = [head];
  // The last stretch of one byte is told by its length alone.
  let border = bytes.length;
  while (border > 0 && bytes[border - 1] === bytes[bytes.length - 1]) border--;
  const block = (type: number, length: number, last: boolean): Uint8Array => {
    const value = (last ? 1 : 0) | (type << 1) | (length << 3);
    return Uint8Array.of(value & 255, (value >> 8) & 255, value >> 16);
  };
  for (let at = 0; at < border; at += MAX_BLOCK) {
    const part = bytes.subarray(at, Math.min(at + MAX_BLOCK, border));
    parts.push(block(0, part.length, false), part);
  }
  for (let at = border; at < bytes.length; at += MAX_BLOCK) {
    const length = Math.min(MAX_BLOCK, bytes.length - at);
    parts.push(block(1, length, at + length === bytes.length), bytes.subarray(at, at + 1));
  }
  return Buffer.concat(parts);
}

/** Writes one unit compressed. */
export function writePacked(image: WritableImage, at: number, bytes: Uint8Array): void {
  const { writeCompressed, compression, compressedUnit } = image;
  if (!writeCompressed || compressedUnit === undefined) throw new Error('there are no compressed writes');
  const unit = new Uint8Array(compressedUnit);
  unit.set(bytes);
  const packed = compression === 'zstd' ? zstdFrame(unit) : deflateRawSync(unit, { windowBits: 12 });
  image.writeCompressed?.(at, bytes, packed);
}
