/**
 * Reads compressed clusters. How long the stored data is is known to 512 bytes only, so the decoder gets all that
 * may belong to it and stops once the cluster is full. The cluster decompressed last is kept: reads come in pieces.
 */

import { inflateExactly, inflateInto } from '../../codec/inflate.ts';
import { zstdInto } from '../../codec/zstd.ts';
import type { ReadableDevice } from '../../device/device.ts';
import { DiskwrightError } from '../../errors.ts';
import type { FastInflate, StoredUnit } from '../../image/image.ts';
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
    const { at } = compressedRange(upper & ~COPIED, lower, this.#header.clusterBits);
    if (at === this.#held) return this.#cluster;
    this.#held = -1;
    const input = this.#input(upper, lower);
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

  /** The cluster that an entry refers to and how it is stored; undefined where that is not exactly one cluster. */
  stored(upper: number, lower: number): StoredUnit | undefined {
    const { compressionType, clusterBits } = this.#header;
    const input = this.#input(upper, lower);
    this.#held = -1;
    try {
      const length = (compressionType === 'zstd' ? zstdInto : inflateExactly)(input, this.#cluster);
      return {
        compression: compressionType,
        bytes: this.#cluster,
        packed: input.subarray(0, length),
        device: this.#device,
        host: compressedRange(upper & ~COPIED, lower, clusterBits).at,
      };
    } catch (thrown) {
      // It may still be readable as far as it has to be: then it is read, not taken.
      if (thrown instanceof DiskwrightError) return undefined;
      throw thrown;
    }
  }

  #input(upper: number, lower: number): Uint8Array {
    const { at, length } = compressedRange(upper & ~COPIED, lower, this.#header.clusterBits);
    // Nothing is stored behind the end of the file; a whole cluster is never longer than two.
    const stored = Math.max(0, Math.min(length, this.#device.size - at, 2 * this.#header.clusterSize));
    const input = new Uint8Array(stored);
    if (stored > 0) this.#device.read(at, input);
    return input;
  }
}
