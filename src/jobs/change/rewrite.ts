/**
 * Lays an image out anew: what its disk holds is written into an empty one, in the order and shape of qemu-img's
 * convert, zeros left out. The new file is an overlay over nothing; data goes into it as references to where it stands,
 * so that the whole of it is known before a byte is saved.
 *
 * Compressed clusters come along as they are where both images cut and compress them alike; otherwise they are unpacked.
 */
import type { OverlayDevice } from '../../engine/device/overlay.ts';
import type { BytesSource } from '../../engine/device/references.ts';
import { type Chain, locateInChain, readGuest } from '../../engine/image/access.ts';
import type { WritableImage } from '../../engine/image/writable.ts';
import { CHUNK, type Source, type Stretch, Stretches } from '../convert/stretches.ts';
import { isZero, type Run, zeroRuns } from '../convert/zero-runs.ts';

/** Zeros in a row that are worth leaving out: qemu-img's default. */
const LEAST_ZEROS = 4096;
/** Bytes looked at between two steps that only wait. */
const PATIENCE = 64 * 1024 * 1024;

export interface RewriteRequest {
  readonly source: Source;
  /** The source's disk as a place that bytes come from. */
  readonly guest: BytesSource;
  readonly target: WritableImage;
  /** The device under the target. */
  readonly overlay: OverlayDevice;
  /** The new image rests on what the old one rests on. */
  readonly backed: boolean;
  /** What the new image writes whole anyway: a cluster or subcluster. */
  readonly part: number;
  readonly compressed: 'keep' | 'unpack';
}

/** `next`: what is read then; whoever can fetch it beforehand does. */
export interface RewriteStep {
  readonly done: number;
  readonly total: number;
  readonly next?: { readonly at: number; readonly length: number };
}

export interface RewriteFacts {
  /** Bytes of data that were read, and of them that were zeros. */
  readonly data: number;
  readonly zeros: number;
  /** Compressed clusters that came along as they were, and that did not. */
  readonly kept: number;
  readonly unpacked: number;
}

class Rewrite {
  readonly #request: RewriteRequest;
  readonly #chain: Chain;
  readonly #stretches: Stretches;
  readonly #buffer = new Uint8Array(CHUNK);
  #zeros = 0;
  #kept = 0;
  #unpacked = 0;

  constructor(request: RewriteRequest) {
    const { source, backed } = request;
    this.#request = request;
    this.#chain = source.chain;
    this.#stretches = new Stretches([source], {
      backed,
      backingSize: backed ? source.chain[1]?.virtualSize : undefined,
    });
  }

  *run(): Generator<RewriteStep, RewriteFacts> {
    const { target, backed } = this.#request;
    // All of the map is read first, so that a damaged one is found in time, and the work can be told.
    let total = 0;
    let looked = 0;
    for (const { status, length } of this.#stretches.all()) {
      if (status === 'data') total += length;
      looked += length;
      if (looked < PATIENCE) continue;
      looked = 0;
      yield { done: 0, total };
    }
    let done = 0;
    for (const { at, length, status } of this.#stretches.all()) {
      if (status === 'zero' && backed) target.zero(at, length, true);
      if (status === 'data') {
        yield { done, total, next: { at, length } };
        this.#copy({ at, length, status });
        done += length;
      }
      yield { done, total };
    }
    return { data: done, zeros: this.#zeros, kept: this.#kept, unpacked: this.#unpacked };
  }

  #copy({ at, length }: Stretch): void {
    const { extent, depth } = locateInChain(this.#chain, at, length);
    if (extent.kind === 'coded') {
      if (this.#keep(at, length, depth)) return;
      this.#unpacked++;
    }
    const { guest, target, overlay, backed, part } = this.#request;
    const bytes = this.#buffer.subarray(0, length);
    readGuest(this.#chain, at, bytes);
    for (const { from, to, zero } of this.#runs(bytes, at)) {
      if (zero) this.#zeros += to - from;
      if (zero && !backed) continue;
      const run = bytes.subarray(from, to);
      const write = (): void => (zero ? target.zero(at + from, to - from, true) : target.write(at + from, run));
      overlay.lending(run, guest, at + from, write, backed ? part : 1);
    }
  }

  /**
   * Over nothing, the rest of a part that is begun is zeros and is written either way: it is taken along, so that data
   * is a reference as a whole and nothing has to be put together. Over a backing image every byte counts.
   */
  *#runs(bytes: Uint8Array, at: number): Generator<Run, void> {
    const { backed, part } = this.#request;
    let taken = 0;
    for (const run of zeroRuns(bytes, at, { least: LEAST_ZEROS })) {
      if (backed || run.zero) {
        yield run;
        continue;
      }
      const from = Math.max(taken, run.from - ((at + run.from) % part));
      const to = Math.min(bytes.length, run.to + ((part - ((at + run.to) % part)) % part));
      taken = to;
      if (from < to) yield { from, to, zero: false };
    }
  }

  /** Whether the compressed cluster at `at` could be taken as it is. */
  #keep(at: number, length: number, depth: number): boolean {
    const { target, compressed, overlay, backed } = this.#request;
    const unit = target.compressedUnit;
    const image = this.#chain[depth];
    const whole = length === unit || at + length === this.#chain[0].virtualSize;
    if (compressed !== 'keep' || unit === undefined || !whole || at % unit !== 0) return false;
    const stored = image?.stored?.(at);
    if (!stored || stored.bytes.length !== unit || stored.compression !== target.compression) return false;
    // An image below that ends inside the cluster shows zeros behind its end.
    if (image && at + length > image.virtualSize) return false;
    const bytes = stored.bytes.subarray(0, length);
    if (isZero(bytes, 0, length)) {
      this.#zeros += length;
      if (backed) target.zero(at, length, true);
      return true;
    }
    overlay.lending(stored.packed, stored.device, stored.host, () => {
      target.writeCompressed?.(at, bytes, stored.packed);
    });
    this.#kept++;
    return true;
  }
}

/** The target is neither flushed nor closed. */
export function rewriteDisk(request: RewriteRequest): Generator<RewriteStep, RewriteFacts> {
  return new Rewrite(request).run();
}
