/**
 * Cuts the disks to be converted, one behind the other, into stretches that are treated alike. Where qemu-img cuts
 * decides where its image puts things, so the rules are its own: it asks for at most 2 GiB less a sector at a time,
 * goes on at a cluster of the source, takes compressed clusters one by one, and moves 2 MiB at once.
 */
import { type Chain, locateInChain } from '../../engine/image/access.ts';
import type { Extent } from '../../engine/image/image.ts';

export const SECTOR = 512;
/** The most data in one stretch. */
export const CHUNK = 2 * 1024 * 1024;
const MOST_ASKED = 2 ** 31 - SECTOR;

export interface Source {
  readonly chain: Chain;
  /** Bytes of a cluster of each image of the chain; undefined: it has none. */
  readonly clusterSizes: readonly (number | undefined)[];
}

/** `below`: what the new image rests on has it. */
export type Status = 'data' | 'zero' | 'below';

export interface Stretch {
  readonly at: number;
  readonly length: number;
  readonly status: Status;
}

export interface StretchRules {
  /** The new image rests on another one. */
  readonly backed: boolean;
  /** How long that one's disk is, where it is known. */
  readonly backingSize?: number | undefined;
  /** Data comes in whole units of this many bytes, counted from 0. */
  readonly unit?: number | undefined;
}

interface Place {
  readonly source: Source;
  /** Where the source's disk begins. */
  readonly start: number;
  readonly size: number;
}

export class Stretches {
  readonly total: number;
  readonly #places: readonly Place[];
  readonly #rules: StretchRules;
  #place = 0;
  #status: Status = 'data';
  /** Up to where `#status` is known. */
  #known = 0;

  constructor(sources: readonly Source[], rules: StretchRules) {
    let start = 0;
    this.#places = sources.map((source) => {
      const place = { source, start, size: source.chain[0].virtualSize };
      start += place.size;
      return place;
    });
    this.total = start;
    this.#rules = rules;
  }

  /** All stretches in order, without gaps. */
  *all(): Generator<Stretch, void> {
    this.#known = 0;
    for (let at = 0; at < this.total; ) {
      const stretch = this.#next(at);
      yield stretch;
      at += stretch.length;
    }
  }

  #next(at: number): Stretch {
    const { unit, backingSize } = this.#rules;
    let most = Math.min(this.total - at, MOST_ASKED);
    // Behind the end of the backing image there are zeros that need not be written.
    if (backingSize !== undefined && at < backingSize) most = Math.min(most, backingSize - at);
    if (this.#known <= at) this.#look(at, most);
    let length = Math.min(most, this.#known - at);
    let status = this.#status;
    if (status === 'data') length = Math.min(length, CHUNK);
    if (unit !== undefined) {
      if (length < unit) {
        length = Math.min(unit, this.total - at);
        status = 'data';
      } else length -= length % unit;
    }
    return { at, length, status };
  }

  #look(at: number, most: number): void {
    const { source, start, size } = this.#placeOf(at);
    const inDisk = at - start;
    const found = this.#statusOf(source, inDisk, Math.min(most, size - inDisk));
    const align = source.clusterSizes[0] ?? SECTOR;
    const tail = (inDisk + found.length) % align;
    const length = found.length > tail ? found.length - tail : found.length;
    const { backingSize } = this.#rules;
    const behind = backingSize !== undefined && at >= backingSize;
    this.#status = found.status === 'zero' && behind ? 'below' : found.status;
    this.#known = at + length;
  }

  #statusOf({ chain, clusterSizes }: Source, at: number, length: number): { status: Status; length: number } {
    const statusOf = (extent: Extent, depth: number): { status: Status; length: number } => {
      if (extent.kind === 'zero' || extent.kind === 'absent') return { status: 'zero', length: extent.length };
      const unit = clusterSizes[depth];
      if (extent.kind === 'data' || unit === undefined) return { status: 'data', length: extent.length };
      return { status: 'data', length: Math.min(extent.length, unit - (at % unit)) };
    };
    if (!this.#rules.backed) {
      const { extent, depth } = locateInChain(chain, at, length);
      return statusOf(extent, depth);
    }
    const extent = chain[0].locate(at, length);
    const below = chain[1];
    const showsThrough = extent.kind === 'absent' && below !== undefined && at < below.virtualSize;
    return showsThrough ? { status: 'below', length: extent.length } : statusOf(extent, 0);
  }

  #placeOf(at: number): Place {
    let place = this.#places[this.#place] as Place;
    if (at < place.start) {
      this.#place = 0;
      place = this.#places[0] as Place;
    }
    while (at >= place.start + place.size) {
      this.#place++;
      place = this.#places[this.#place] as Place;
    }
    return place;
  }
}
