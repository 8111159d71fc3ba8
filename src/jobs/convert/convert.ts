/**
 * Copies disks, one behind the other, into an open image: data as data, zeros as zeros or not at all, and what the
 * new image's backing file has is left to it. Requests reach the new image in the order and shape of qemu-img's, so
 * that everything lands where it lands there.
 *
 * Compressing is somebody else's work, many batches at a time: the steps ask for it with `pack`, and later with
 * `wait` for the result, which is handed in with `next(packed)`. Results are stored in order whatever order they come in.
 */
import { DiskwrightError } from '../../engine/errors.ts';
import type { WritableImage } from '../../engine/image/writable.ts';
import { readDisks } from './read-disks.ts';
import { CHUNK, type Source, type Stretch, Stretches } from './stretches.ts';
import { isZero, type ZeroTest, zeroRuns } from './zero-runs.ts';

/** Compressed at once: 16 clusters of 64 KiB. */
const BATCH = 1024 * 1024;
const STRETCHES_A_TURN = 64;

/** Units to be compressed, one behind the other; the last one is padded with zeros. */
export interface Batch {
  readonly at: number;
  readonly units: number;
  readonly unit: number;
  /** Handed over: whoever compresses gives the buffer back. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export interface Packed {
  /** The batch's own bytes. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** One for each unit. */
  readonly units: readonly Uint8Array[];
}

export type ConvertStep =
  /** Bytes of data copied so far, and in all. */
  | { readonly kind: 'progress'; readonly done: number; readonly total: number }
  /** These bytes of the disks are read next: who has to fetch them does it now. */
  | { readonly kind: 'need'; readonly at: number; readonly length: number }
  /** Nothing yet, but others may have their turn. */
  | { readonly kind: 'turn' }
  | { readonly kind: 'pack'; readonly batch: Batch }
  | { readonly kind: 'wait'; readonly batch: Batch };

export type Conversion = Generator<ConvertStep, void, Packed | undefined>;

export interface ConvertRequest {
  readonly sources: readonly Source[];
  readonly target: WritableImage;
  /** The new image rests on another one, whose disk is this long where that is known. */
  readonly backed: boolean;
  readonly backingSize?: number | undefined;
  /** The new image reads as zeros wherever nothing is written. */
  readonly targetIsZero: boolean;
  /** Bytes of zeros in a row that are not copied; 0: everything is written. */
  readonly leastZeros: number;
  /** The host's own way to look for zeros. */
  readonly zeroTest?: ZeroTest | undefined;
  /** Batches that may be under way at once; absent: nothing is compressed. */
  readonly packing?: number | undefined;
}

class Copy {
  readonly #request: ConvertRequest;
  readonly #stretches: Stretches;
  readonly #unit: number | undefined;
  readonly #buffer = new Uint8Array(CHUNK);
  /** Under way, oldest first; `zero` stretches wait for their turn in the same row. */
  readonly #row: (Batch | Stretch)[] = [];
  #batches = 0;
  readonly #spare: Uint8Array<ArrayBuffer>[] = [];
  #done = 0;
  #total = 0;

  constructor(request: ConvertRequest) {
    this.#request = request;
    const { sources, backed, backingSize, packing, target } = request;
    this.#unit = packing === undefined ? undefined : target.compressedUnit;
    this.#stretches = new Stretches(sources, { backed, backingSize, unit: this.#unit });
    if (packing !== undefined && (!this.#unit || !target.writeCompressed)) {
      throw new DiskwrightError('unsupported', 'images of this format hold nothing compressed');
    }
  }

  *run(): Conversion {
    // All of the map is read before anything is written, so that a damaged one is found in time.
    let looked = 0;
    for (const stretch of this.#stretches.all()) {
      if (this.#isData(stretch)) this.#total += stretch.length;
      if (++looked % STRETCHES_A_TURN === 0) yield { kind: 'turn' };
    }
    if (this.#unit === undefined) yield* this.#plainly();
    else yield* this.#compressed(this.#unit, this.#request.packing ?? 1);
  }

  #isData({ status }: Stretch): boolean {
    return status === 'data' || (status === 'zero' && this.#request.leastZeros === 0);
  }

  #progress(length: number): ConvertStep {
    this.#done += length;
    return { kind: 'progress', done: this.#done, total: this.#total };
  }

  *#plainly(): Conversion {
    for (const stretch of this.#stretches.all()) {
      if (!this.#isData(stretch)) {
        if (stretch.status === 'zero') this.#zero(stretch.at, stretch.length);
        // So that a long row of nothing can be left, too.
        yield { kind: 'progress', done: this.#done, total: this.#total };
        continue;
      }
      for (let at = stretch.at; at < stretch.at + stretch.length; ) {
        const length = Math.min(CHUNK, stretch.at + stretch.length - at);
        if (stretch.status === 'data') yield { kind: 'need', at, length };
        yield this.#progress(length);
        this.#copy(at, length, stretch.status);
        at += length;
      }
    }
  }

  #copy(at: number, length: number, status: Stretch['status']): void {
    const bytes = this.#buffer.subarray(0, length);
    if (status === 'zero') bytes.fill(0);
    else readDisks(this.#request.sources, at, bytes);
    for (const { from, to, zero } of zeroRuns(bytes, at, {
      least: this.#request.leastZeros,
      test: this.#request.zeroTest,
    })) {
      if (zero) this.#zero(at + from, to - from);
      else this.#request.target.write(at + from, bytes.subarray(from, to));
    }
  }

  #zero(at: number, length: number): void {
    const { target, targetIsZero } = this.#request;
    if (!targetIsZero) target.zero(at, length, true);
  }

  #isZero(bytes: Uint8Array): boolean {
    return (this.#request.zeroTest ?? isZero)(bytes, 0, bytes.length);
  }

  *#compressed(unit: number, most: number): Conversion {
    let gathered: { at: number; bytes: Uint8Array<ArrayBuffer>; length: number } | undefined;
    const room = Math.max(1, Math.floor(BATCH / unit)) * unit;

    const flush = function* (this: Copy): Conversion {
      if (!gathered) return;
      const { at, bytes, length } = gathered;
      gathered = undefined;
      const units = Math.ceil(length / unit);
      bytes.fill(0, length, units * unit);
      const batch = { at, units, unit, bytes: bytes.subarray(0, units * unit) };
      if (this.#batches >= most) yield* this.#storeUntil(most - 1);
      this.#row.push(batch);
      this.#batches++;
      yield { kind: 'pack', batch };
    }.bind(this);

    for (const stretch of this.#stretches.all()) {
      if (!this.#isData(stretch)) {
        if (stretch.status === 'zero' && !this.#request.targetIsZero) {
          yield* flush();
          this.#row.push(stretch);
        }
        yield { kind: 'progress', done: this.#done, total: this.#total };
        continue;
      }
      for (let at = stretch.at; at < stretch.at + stretch.length; ) {
        const length = Math.min(unit, stretch.at + stretch.length - at);
        if (stretch.status === 'data') yield { kind: 'need', at, length };
        yield this.#progress(length);
        if (gathered && (gathered.at + gathered.length !== at || gathered.length >= room)) yield* flush();
        gathered ??= { at, bytes: this.#spare.pop() ?? new Uint8Array(room), length: 0 };
        const bytes = gathered.bytes.subarray(gathered.length, gathered.length + length);
        if (stretch.status === 'zero') bytes.fill(0);
        else readDisks(this.#request.sources, at, bytes);
        if (this.#request.leastZeros > 0 && this.#isZero(bytes)) {
          const { bytes: unused, length: before } = gathered;
          if (before === 0) {
            gathered = undefined;
            this.#spare.push(unused);
          }
          if (!this.#request.targetIsZero) {
            yield* flush();
            this.#row.push({ at, length, status: 'zero' });
          }
        } else gathered.length += length;
        at += length;
      }
    }
    yield* flush();
    yield* this.#storeUntil(0);
  }

  /** Stores what is first in the row until at most `most` batches are left. */
  *#storeUntil(most: number): Conversion {
    while (this.#batches > most || (most === 0 && this.#row.length > 0)) {
      const first = this.#row.shift();
      if (!first) return;
      if ('status' in first) {
        this.#zero(first.at, first.length);
        continue;
      }
      const packed = yield { kind: 'wait', batch: first };
      this.#batches--;
      if (!packed) throw new Error('internal error: a compressed batch was not handed in');
      this.#store(first, packed);
    }
  }

  #store({ at, unit, units }: Batch, packed: Packed): void {
    const { target } = this.#request;
    for (let i = 0; i < units; i++) {
      const start = at + i * unit;
      const end = Math.min((i + 1) * unit, this.#stretches.total - at);
      target.writeCompressed?.(start, packed.bytes.subarray(i * unit, end), packed.units[i]);
    }
    const { buffer } = packed.bytes;
    this.#spare.push(new Uint8Array(buffer));
  }
}

/** Nothing is read before the first step. The image is neither flushed nor closed. */
export function convertDisks(request: ConvertRequest): Conversion {
  return new Copy(request).run();
}
