/** Compresses one cluster with the host's own libraries: raw deflate with a window of 4 KiB, or one zstd frame. */
import zlib from 'node:zlib';
import { DiskwrightError } from '../../engine/errors.ts';
import type { WritableImage } from '../../engine/image/writable.ts';

/** `unit`: what is compressed together; shorter content (at the end of a disk) is padded with zeros. */
export function packCluster(
  compression: NonNullable<WritableImage['compression']>,
  content: Uint8Array,
  unit: number,
): Uint8Array {
  let whole = content;
  if (content.length < unit) {
    whole = new Uint8Array(unit);
    whole.set(content);
  }
  if (compression === 'zlib') return zlib.deflateRawSync(whole, { windowBits: 12, memLevel: 9 });
  // Node has zstd from 22.15 on.
  if ('zstdCompressSync' in zlib && typeof zlib.zstdCompressSync === 'function') return zlib.zstdCompressSync(whole);
  throw new DiskwrightError('unsupported', `this version of Node (${process.version}) cannot compress with zstd`, {
    fix: 'Use Node 22.15 or later.',
  });
}
