/**
 * Compares the disks of two images, whatever their formats, as `qemu-img compare` does: stretches that are zeros
 * on both sides are not read, a longer disk counts as equal if its tail reads as zeros.
 */
import { type Chain, locateInChain, readExtent } from '../engine/image/access.ts';
import type { Extent, OpenImage } from '../engine/image/image.ts';

const CHUNK = 2 * 1024 * 1024;
const SECTOR = 512;

/** The first difference between two disks. */
export type Difference =
  | { readonly kind: 'content'; readonly at: number }
  /** With `strict` alone: allocated on one side only, or otherwise of another kind. */
  | { readonly kind: 'status'; readonly at: number }
  | { readonly kind: 'size' };

/** What a comparison tells on its way. */
export type CompareStep =
  | { readonly kind: 'progress'; readonly bytes: number; readonly total: number }
  /** The common part is equal, and one disk is longer. */
  | { readonly kind: 'sizes-differ' };

interface Stretch {
  readonly extent: Extent;
  readonly image: OpenImage;
  readonly allocated: boolean;
}

function stretchAt(chain: Chain, at: number, length: number): Stretch {
  const { extent, depth } = locateInChain(chain, at, length);
  const allocated = extent.kind !== 'absent' || depth + 1 < chain.length;
  return { extent, image: chain[depth] as OpenImage, allocated };
}

const isZero = ({ kind }: Extent): boolean => kind === 'zero' || kind === 'absent';
const isPlaced = (extent: Extent): boolean =>
  extent.kind === 'data' || (extent.kind !== 'coded' && extent.host !== undefined);

function sameStatus(a: Stretch, b: Stretch): boolean {
  return (
    a.allocated === b.allocated && isZero(a.extent) === isZero(b.extent) && isPlaced(a.extent) === isPlaced(b.extent)
  );
}

const zeros = new Uint8Array(SECTOR);

function sectorsEqual(a: Uint8Array, b: Uint8Array, from: number, bFrom: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (a[from + i] !== b[bFrom + i]) return false;
  return true;
}

/** First sector of `a` that differs from `b`'s (or from zeros), −1 if none does. */
function firstDifference(a: Uint8Array, b?: Uint8Array): number {
  for (let at = 0; at < a.length; at += SECTOR) {
    const length = Math.min(SECTOR, a.length - at);
    if (!sectorsEqual(a, b ?? zeros, at, b ? at : 0, length)) return at;
  }
  return -1;
}

class Comparison {
  readonly #a: Chain;
  readonly #b: Chain;
  readonly #strict: boolean;
  readonly #total: number;
  readonly #buffers = [new Uint8Array(CHUNK), new Uint8Array(CHUNK)] as const;

  constructor(a: Chain, b: Chain, strict: boolean) {
    this.#a = a;
    this.#b = b;
    this.#strict = strict;
    this.#total = Math.max(a[0].virtualSize, b[0].virtualSize);
  }

  *run(): Generator<CompareStep, Difference | undefined> {
    const [a, b] = [this.#a[0].virtualSize, this.#b[0].virtualSize];
    if (this.#strict && a !== b) return { kind: 'size' };
    const common = Math.min(a, b);
    for (let at = 0; at < common; ) {
      const { length, difference } = this.#compareAt(at, common - at);
      if (difference) return difference;
      at += length;
      yield { kind: 'progress', bytes: length, total: this.#total };
    }
    if (a === b) return undefined;
    yield { kind: 'sizes-differ' };
    return yield* this.#tail(a > b ? this.#a : this.#b, common);
  }

  #compareAt(at: number, left: number): { length: number; difference?: Difference } {
    const a = stretchAt(this.#a, at, left);
    const b = stretchAt(this.#b, at, left);
    let length = Math.min(a.extent.length, b.extent.length);
    if (this.#strict && !sameStatus(a, b)) return { length, difference: { kind: 'status', at } };
    if (isZero(a.extent) && isZero(b.extent)) return { length };
    length = Math.min(length, CHUNK);
    const [one, other] = [this.#buffers[0].subarray(0, length), this.#buffers[1].subarray(0, length)];
    readExtent(a.image, a.extent, one);
    readExtent(b.image, b.extent, other);
    const found = firstDifference(one, other);
    return found < 0 ? { length } : { length, difference: { kind: 'content', at: at + found } };
  }

  *#tail(longer: Chain, from: number): Generator<CompareStep, Difference | undefined> {
    for (let at = from; at < this.#total; ) {
      const { extent, image } = stretchAt(longer, at, this.#total - at);
      const length = isZero(extent) ? extent.length : Math.min(extent.length, CHUNK);
      if (!isZero(extent)) {
        const bytes = this.#buffers[0].subarray(0, length);
        readExtent(image, extent, bytes);
        const found = firstDifference(bytes);
        if (found >= 0) return { kind: 'content', at: at + found };
      }
      at += length;
      yield { kind: 'progress', bytes: length, total: this.#total };
    }
    return undefined;
  }
}

/** The first difference, or undefined. */
export function compareDisks(a: Chain, b: Chain, strict: boolean): Generator<CompareStep, Difference | undefined> {
  return new Comparison(a, b, strict).run();
}
