/**
 * Writes what the upper images of a chain hold into an image below them, as `qemu-img commit` does: every granule of
 * which any byte is theirs is written whole, zeros as zeros where clusters allow. The base grows to the disk's size.
 */

import { DiskwrightError } from '../engine/errors.ts';
import { type Chain, locateInChain, readGuest } from '../engine/image/access.ts';
import type { Steps, WritableImage } from '../engine/image/writable.ts';
import { allocatedAbove } from './allocated.ts';

/** The most that one request copies. */
const COPY = 1024 * 1024;
/** Data and zeros are told apart within stretches of this length. */
const STRETCH = 10 * 1024 * 1024;
const SMALLEST_GRANULE = 4096;
const LARGEST_GRANULE = 65536;

/** What is to be written down, and into what. */
export interface CommitRequest {
  /** The image first; `base` is one of them. */
  readonly chain: Chain;
  readonly base: WritableImage;
  /** Where `base` stands in the chain, 1 for the nearest. */
  readonly depth: number;
  /** Cluster size of the base; absent: it has none. */
  readonly baseCluster?: number | undefined;
}

interface Stretch {
  readonly at: number;
  readonly end: number;
}

/** Granules that hold something of the upper images, neighbours joined up to a stretch; between them, where the search stands. */
function* granulesAbove(chain: Chain, depth: number, granule: number): Generator<Stretch | number> {
  const size = chain[0].virtualSize;
  let open: { at: number; end: number } | undefined;
  let told = 0;
  for (let at = 0; at < size; ) {
    const { allocated, length } = allocatedAbove(chain, depth, at, Math.min(size - at, STRETCH));
    if (allocated) {
      // A granule that was told already is not told twice.
      const from = Math.max(told, Math.floor(at / granule) * granule);
      const end = Math.min(size, Math.ceil((at + length) / granule) * granule);
      if (open && from > open.end) {
        yield open;
        open = undefined;
      }
      if (open) open.end = end;
      else if (from < end) open = { at: from, end };
    }
    at += length;
    if (open && (open.end - open.at >= STRETCH || at > open.end)) {
      yield open;
      told = open.end;
      open = undefined;
    } else if (!open) yield at;
  }
  if (open) yield open;
}

class Commit {
  readonly #request: CommitRequest;
  readonly #granule: number;
  readonly #size: number;
  readonly #buffer = new Uint8Array(COPY);

  constructor(request: CommitRequest) {
    this.#request = request;
    const cluster = request.baseCluster ?? LARGEST_GRANULE;
    this.#granule = Math.min(LARGEST_GRANULE, Math.max(SMALLEST_GRANULE, cluster));
    this.#size = request.chain[0].virtualSize;
  }

  *run(): Steps {
    const { base, chain, depth } = this.#request;
    if (base.virtualSize < this.#size) yield* this.#grow();
    for (const one of granulesAbove(chain, depth, this.#granule)) {
      if (typeof one === 'number') yield { done: one, total: this.#size };
      else yield* this.#write(one);
    }
    base.flush();
  }

  *#grow(): Steps {
    const { base } = this.#request;
    if (!base.resize) {
      throw new DiskwrightError(
        'unsupported',
        `the backing image has ${base.virtualSize} bytes and keeps its size, the disk has ${this.#size}`,
      );
    }
    yield* base.resize({ size: this.#size, preallocation: 'off' });
  }

  *#write({ at, end }: Stretch): Steps {
    for (let from = at; from < end; from += STRETCH) {
      const to = Math.min(end, from + STRETCH);
      for (let place = from; place < to; ) {
        place += this.#writeAt(place, Math.min(to, this.#size) - place);
        yield { done: Math.min(place, this.#size), total: this.#size };
      }
    }
  }

  /** Writes the beginning of a stretch whose granules are all to be written; returns how much of it. */
  #writeAt(at: number, left: number): number {
    const { chain, base } = this.#request;
    const { extent } = locateInChain(chain, at, left);
    const zero = extent.kind === 'zero' || extent.kind === 'absent';
    const found = zero ? extent.length : Math.min(extent.length, COPY);
    const whole = Math.max(this.#granule, found - (found % this.#granule));
    // A granule that is only in part zeros is copied, and so is one that ends inside a cluster of the base.
    const asZeros = zero && found >= this.#granule && this.#onClusters(at, whole);
    const length = Math.min(whole, this.#size - at);
    if (asZeros) base.zero(at, length, true);
    else this.#copy(at, length);
    return length;
  }

  #onClusters(at: number, length: number): boolean {
    const cluster = this.#request.baseCluster ?? 1;
    return at % cluster === 0 && length % cluster === 0;
  }

  #copy(at: number, length: number): void {
    for (let done = 0; done < length; done += COPY) {
      const bytes = this.#buffer.subarray(0, Math.min(COPY, length - done));
      readGuest(this.#request.chain, at + done, bytes);
      this.#request.base.write(at + done, bytes);
    }
  }
}

/** Afterwards the base holds the disk's content, flushed. */
export function commitInto(request: CommitRequest): Steps {
  return new Commit(request).run();
}
