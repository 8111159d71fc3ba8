/**
 * What a stretch of the disk held before it is written: from this image or, where it has nothing, from what it rests
 * on. Unlike a guest's read it may reach beyond the end of the disk, up to the end of a cluster: what is copied there
 * shows when the disk grows, and QEMU copies it, too.
 */

import { MAX_TRANSFER } from '../../../device/device.ts';
import { locateInChain, readExtent, readGuest } from '../../../image/access.ts';
import type { Extent, OpenImage } from '../../../image/image.ts';
import type { ImageState } from '../state.ts';

/** Reads as zeros without looking at any data: nothing here, and nothing below. */
function isBlank(state: ImageState, extent: Extent): boolean {
  if (extent.kind === 'zero') return true;
  return extent.kind === 'absent' && (!state.backing || extent.at >= state.backing[0].virtualSize);
}

export class OldContent {
  readonly #state: ImageState;
  readonly #image: OpenImage;

  /** `image`: this image as it is read. */
  constructor(state: ImageState, image: OpenImage) {
    this.#state = state;
    this.#image = image;
  }

  /** Fills `into`; it tells whether any of it came from somewhere, false: all zeros by the tables alone. */
  read(at: number, into: Uint8Array): boolean {
    let found = false;
    for (let done = 0; done < into.length; ) {
      const extent = this.#image.locate(at + done, into.length - done);
      const part = into.subarray(done, done + extent.length);
      if (isBlank(this.#state, extent)) part.fill(0);
      else {
        found = true;
        if (extent.kind === 'absent') this.#readBelow(at + done, part);
        else readExtent(this.#image, extent, part);
      }
      done += extent.length;
    }
    return found;
  }

  /** Every byte of [at, at + length) is told to be zero by the tables of the chain. */
  isZero(at: number, length: number): boolean {
    const { virtualSize } = this.#state.header;
    const end = Math.min(at + length, virtualSize);
    for (let from = at; from < end; ) {
      const extent = this.#image.locate(from, end - from);
      if (!isBlank(this.#state, extent) && !(extent.kind === 'absent' && this.#isZeroBelow(from, extent.length))) {
        return false;
      }
      from += extent.length;
    }
    return true;
  }

  #isZeroBelow(at: number, length: number): boolean {
    const chain = this.#state.backing;
    if (!chain) return true;
    const end = Math.min(at + length, chain[0].virtualSize);
    for (let from = at; from < end; ) {
      const { extent } = locateInChain(chain, from, end - from);
      if (extent.kind !== 'zero' && extent.kind !== 'absent') return false;
      from += extent.length;
    }
    return true;
  }

  #readBelow(at: number, into: Uint8Array): void {
    const chain = this.#state.backing;
    const there = chain ? Math.max(0, Math.min(into.length, chain[0].virtualSize - at)) : 0;
    for (let from = 0; chain && from < there; from += MAX_TRANSFER) {
      readGuest(chain, at + from, into.subarray(from, Math.min(there, from + MAX_TRANSFER)));
    }
    into.fill(0, there);
  }
}
