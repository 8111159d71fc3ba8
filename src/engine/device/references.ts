/**
 * Which stretches of a file stand elsewhere: an ordered list of stretches that do not overlap, each with the place that
 * its bytes come from. Most files are put together from front to back, so appending is cheap; a million stretches are
 * four arrays of numbers.
 */

/** Where bytes stand: a device, or a disk read through its chain. */
export interface BytesSource {
  read(at: number, into: Uint8Array): void;
}

export interface Stretch {
  readonly at: number;
  readonly length: number;
  /** Undefined: zeros that take their space. */
  readonly source: BytesSource | undefined;
  /** Offset in the source. */
  readonly from: number;
}

export class References {
  #starts: number[] = [];
  #ends: number[] = [];
  #from: number[] = [];
  #sources: (BytesSource | undefined)[] = [];

  /** [at, end) comes from `source` now, whatever was there. */
  set(at: number, end: number, source: BytesSource | undefined, from: number): void {
    if (at >= end) return;
    const last = this.#starts.length - 1;
    if (last < 0 || at >= (this.#ends[last] as number)) {
      if (last >= 0 && this.#continues(last, at, source, from)) this.#ends[last] = end;
      else this.#insert(this.#starts.length, 0, [{ at, length: end - at, source, from }]);
      return;
    }
    this.#replace(at, end, { at, length: end - at, source, from });
  }

  /** [at, end) comes from nowhere. */
  clear(at: number, end: number): void {
    if (at < end) this.#replace(at, end, undefined);
  }

  /** The stretches that touch [at, end), cut to it. */
  *within(at: number, end: number): Generator<Stretch, void> {
    if (at >= end) return;
    for (let i = this.#firstBehind(at); i < this.#starts.length; i++) {
      const start = this.#starts[i] as number;
      if (start >= end) return;
      const from = Math.max(at, start);
      const length = Math.min(end, this.#ends[i] as number) - from;
      yield { at: from, length, source: this.#sources[i], from: (this.#from[i] as number) + from - start };
    }
  }

  #continues(i: number, at: number, source: BytesSource | undefined, from: number): boolean {
    if (this.#ends[i] !== at || this.#sources[i] !== source) return false;
    return source === undefined || (this.#from[i] as number) + at - (this.#starts[i] as number) === from;
  }

  /** Number of the first stretch that ends behind `at`. */
  #firstBehind(at: number): number {
    let low = 0;
    let high = this.#ends.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#ends[middle] as number) > at) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #replace(at: number, end: number, fresh: Stretch | undefined): void {
    const first = this.#firstBehind(at);
    let next = first;
    const kept: Stretch[] = [];
    const tail: Stretch[] = [];
    for (; next < this.#starts.length && (this.#starts[next] as number) < end; next++) {
      const start = this.#starts[next] as number;
      const stop = this.#ends[next] as number;
      const source = this.#sources[next];
      const from = this.#from[next] as number;
      if (start < at) kept.push({ at: start, length: at - start, source, from });
      if (stop > end) tail.push({ at: end, length: stop - end, source, from: from + end - start });
    }
    this.#insert(first, next - first, [...kept, ...(fresh ? [fresh] : []), ...tail]);
  }

  #insert(at: number, removed: number, stretches: readonly Stretch[]): void {
    this.#starts.splice(at, removed, ...stretches.map((one) => one.at));
    this.#ends.splice(at, removed, ...stretches.map((one) => one.at + one.length));
    this.#from.splice(at, removed, ...stretches.map((one) => one.from));
    this.#sources.splice(at, removed, ...stretches.map((one) => one.source));
  }
}
