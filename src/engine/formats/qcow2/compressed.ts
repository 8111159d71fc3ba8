/**
 * Reads compressed clusters. How long the stored data is is known to 512 bytes only, so the decoder gets all that
 * may belong to it and stops once the cluster is full. The cluster decompressed last is kept: reads come in pieces.
 */

import { inflateInto } from '../../codec/inflate.ts';
import { zstdInto } from '../../codec/zstd.ts';
import type { ReadableDevice } from '../../device/device.ts';
import { DiskwrightError } from '../../errors.ts';
import type { FastInflate } from '../../image/image.ts';
import { COPIED, compressedRange } from './entry.ts';
import type { ImageHeader } from './image-header.ts';

export class CompressedClusters {
  readonly #device: ReadableDevice;
  readonly #header: ImageHeader;
  readonly #cluster: Uint8Array;
  readonly #inflate: FastInflate | undefined;
  /** Host offset of what `#cluster` holds. */
  #held = -1;

  constructor(device: ReadableDevice, header: ImageHeader, inflate?: FastInflate) {
    this.#device = device;
    this.#header = header;
    this.#inflate = inflate;
    this.#cluster = new Uint8Array(header.clusterSize);
  }

  /** What is held may have been overwritten. */
  forget(): void {
    this.#held = -1;
  }

  /** The cluster that an entry refers to, `guest` its offset for messages; valid until the next call. */
  read(upper: number, lower: number, guest: number): Uint8Array {
    const { at, length } = compressedRange(upper & ~COPIED, lower, this.#header.clusterBits);
    if (at === this.#held) return this.#cluster;
    // Nothing is stored behind the end of the file; a whole cluster is never longer than two.
    const stored = Math.max(0, Math.min(length, this.#device.size - at, 2 * this.#header.clusterSize));
    const input = new Uint8Array(stored);
    this.#held = -1;
    if (stored > 0) this.#device.read(at, input);
    try {
      if (this.#header.compressionType === 'zstd') zstdInto(input, this.#cluster);
      else if (!this.#inflate?.(input, this.#cluster)) inflateInto(input, this.#cluster);
    } catch (thrown) {
      if (!(thrown instanceof DiskwrightError)) throw thrown;
      const place = `qcow2: compressed cluster for guest offset ${guest}, stored at ${at}`;
      throw new DiskwrightError('corrupt', `${place}: ${thrown.message}.`, { cause: thrown });
    }
    this.#held = at;
    return this.#cluster;
  }
}
