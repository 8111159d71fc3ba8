/**
 * A guest's view of the disk: where its bytes are, and the bytes of what is compressed or encrypted. Encrypted data is
 * read a whole run at a time and decrypted in place.
 */
import { roundUp } from '../../bytes/math.ts';
import type { Extent } from '../../image/image.ts';
import type { CompressedClusters } from './compressed.ts';
import { type DiskCipher, SECTOR } from './encryption/disk-cipher.ts';
import type { Locator } from './locate.ts';

type DataExtent = Extent & { readonly kind: 'data' };

export class DiskReader {
  readonly #locator: Locator;
  readonly #compressed: CompressedClusters;
  readonly #clusterSize: number;
  readonly #cipher: DiskCipher | undefined;

  constructor(locator: Locator, compressed: CompressedClusters, clusterSize: number, cipher: DiskCipher | undefined) {
    this.#locator = locator;
    this.#compressed = compressed;
    this.#clusterSize = clusterSize;
    this.#cipher = cipher;
  }

  locate(at: number, length: number): Extent {
    const extent = this.#locator.locate(at, length);
    if (!this.#cipher || extent.kind === 'coded') return extent;
    // Nobody may take what stands on the host for the guest's bytes.
    return { kind: extent.kind === 'data' ? 'coded' : extent.kind, at: extent.at, length: extent.length };
  }

  decode(at: number, into: Uint8Array): void {
    for (let done = 0; done < into.length; ) {
      const extent = this.#locator.locate(at + done, into.length - done);
      const part = into.subarray(done, done + extent.length);
      if (extent.kind === 'data') this.#decrypt(extent, part);
      else if (extent.kind === 'coded') this.#unpack(extent.at, part);
      else part.fill(0);
      done += part.length;
    }
  }

  #decrypt(extent: DataExtent, into: Uint8Array): void {
    const { at, host, device } = extent;
    const head = at % SECTOR;
    const length = roundUp(head + into.length, SECTOR);
    const sectors = length === into.length ? into : new Uint8Array(length);
    // Behind the end are zeros here, too, which decrypt to something else.
    if (host >= device.size) sectors.fill(0);
    else device.read(host - head, sectors);
    this.#cipher?.decrypt(at - head, host - head, sectors);
    if (sectors !== into) into.set(sectors.subarray(head, head + into.length));
  }

  #unpack(at: number, into: Uint8Array): void {
    for (let done = 0; done < into.length; ) {
      const guest = at + done;
      const { upper, lower } = this.#locator.compressedEntry(guest);
      const skipped = guest % this.#clusterSize;
      const cluster = this.#compressed.read(upper, lower, guest - skipped);
      const part = cluster.subarray(skipped, skipped + into.length - done);
      into.set(part, done);
      done += part.length;
    }
  }
}
