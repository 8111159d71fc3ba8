/**
 * Reading guest data through any chain of images: the image first, what it rests on behind it. An image that is
 * shorter than the one above reads as zeros past its end.
 */
import { MAX_TRANSFER } from '../device/device.ts';
import { DiskwrightError } from '../errors.ts';
import type { Extent, OpenImage } from './image.ts';

/** An image and everything that it rests on, the image itself first. */
export type Chain = readonly [OpenImage, ...OpenImage[]];

export interface Located {
  /** `absent` only where no image of the chain has anything. */
  readonly extent: Extent;
  /** Which image of the chain it was found in, 0 = the first. */
  readonly depth: number;
}

/**
 * Where the bytes at `at` come from: one extent of at most `length` bytes, all of it from one image. What is absent
 * in an image and lies past the end of the one below counts as absent in the upper one.
 */
export function locateInChain(chain: Chain, at: number, length: number): Located {
  let left = length;
  for (let depth = 0; ; depth++) {
    const image = chain[depth] as OpenImage;
    const below = chain[depth + 1];
    const extent = image.locate(at, Math.min(left, image.virtualSize - at));
    left = extent.length;
    if (extent.kind !== 'absent' || !below || at >= below.virtualSize) return { extent, depth };
  }
}

/** Fills `into` with the guest's bytes from `at`. At most 8 MiB; beyond the disk is `out-of-range`. */
export function readGuest(chain: Chain, at: number, into: Uint8Array): void {
  const { virtualSize } = chain[0];
  if (into.length > MAX_TRANSFER) throw new Error(`internal error: a read of ${into.length} bytes`);
  if (at < 0 || at + into.length > virtualSize) {
    throw new DiskwrightError(
      'out-of-range',
      `bytes ${at} to ${at + into.length} are not all on the disk of ${virtualSize}`,
    );
  }
  for (let done = 0; done < into.length; ) {
    const { extent, depth } = locateInChain(chain, at + done, into.length - done);
    readExtent(chain[depth] as OpenImage, extent, into.subarray(done, done + extent.length));
    done += extent.length;
  }
}

/** Fills `into` with the bytes of an extent that `image` located, from the extent's start. */
export function readExtent(image: OpenImage, extent: Extent, into: Uint8Array): void {
  if (extent.kind === 'data') {
    // Behind the end are zeros, also where a damaged table names a place that no device can have.
    if (extent.host >= extent.device.size) into.fill(0);
    else extent.device.read(extent.host, into);
  } else if (extent.kind !== 'coded') into.fill(0);
  else if (image.decode) image.decode(extent.at, into);
  else throw new Error('internal error: a coded extent of an image that cannot decode');
}
