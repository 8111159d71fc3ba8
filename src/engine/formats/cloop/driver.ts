/** Recognises compressed loop images, version 2, and reads their size (cloop-utils; all big-endian). */
import { reserved, struct, u32 } from '../../bytes/struct.ts';
import { getU64 } from '../../bytes/u64.ts';
import type { ReadableDevice } from '../../device/device.ts';
import type { FormatDriver } from '../../image/format.ts';
import { corrupt, holdsText, readBytes, SECTOR } from '../../image/recognise.ts';

/** The script that such a file begins with, so that it can mount itself. */
const PREAMBLE = '#!/bin/sh\n#V2.0 Format\nmodprobe cloop file=$0 && mount -r -t iso9660 /dev/cloop $1\n';

const header = struct('cloop header', 'big', {
  preamble: reserved(128),
  /** Bytes of an uncompressed block. */
  blockSize: u32,
  /** Blocks; one more offset than that follows, 64 bits each, of the compressed blocks. */
  blocks: u32,
});

const MAX_BLOCK = 64 * 1024 * 1024;
const MAX_TABLE = 512 * 1024 * 1024;
const CHUNK = 1024 * 1024;

/** Offsets must rise, by no more than two blocks each. Past the end of the file the rest is zeros. */
function checkOffsets(device: ReadableDevice, count: number): void {
  const buffer = new Uint8Array(Math.min(CHUNK, count * 8));
  let last = 0;
  let index = 0;
  for (let from = 0; from < count * 8; from += CHUNK) {
    const piece = buffer.subarray(0, Math.min(CHUNK, count * 8 - from));
    device.read(header.size + from, piece);
    const view = new DataView(piece.buffer, piece.byteOffset, piece.length);
    for (let i = 0; i < piece.length; i += 8, index++) {
      // Rounded beyond 2^53, which no file reaches: the steps below still tell.
      const offset = getU64(view, i);
      if (index > 0 && offset < last)
        throw corrupt(`cloop block table: block ${index} begins before the one ahead of it.`);
      if (index > 0 && offset - last > 2 * MAX_BLOCK) {
        throw corrupt(
          `cloop block table: block ${index - 1} takes ${offset - last} bytes, at most 128 MiB are allowed.`,
        );
      }
      last = offset;
    }
    if (header.size + from > device.size) break;
  }
}

export const cloopDriver: FormatDriver = {
  probe(device) {
    return holdsText(device, 0, PREAMBLE) ? '"#!/bin/sh #V2.0 Format … cloop" at 0' : undefined;
  },

  virtualSize(device) {
    const { blockSize, blocks } = header.read(readBytes(device, 0, header.size));
    if (blockSize === 0 || blockSize % SECTOR !== 0 || blockSize > MAX_BLOCK) {
      throw corrupt(`cloop header: blocks have ${blockSize} bytes, expected whole sectors up to 64 MiB.`);
    }
    const table = (blocks + 1) * 8;
    if (table > MAX_TABLE)
      throw corrupt(`cloop header: the table of ${blocks} blocks takes ${table} bytes, at most 512 MiB work.`);
    checkOffsets(device, blocks + 1);
    return blocks * blockSize;
  },
};
