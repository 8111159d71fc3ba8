/**
 * Gives an image what it will no longer find below it, as a safe `qemu-img rebase` does: where it has nothing itself
 * and the old and the new backing image differ, the old content is written into it. Its disk stays the same at every
 * moment; that the header names the new backing image is the last step, and the caller's.
 */
import { type Chain, locateInChain, readGuest } from '../engine/image/access.ts';
import type { Steps, WritableImage } from '../engine/image/writable.ts';
import { allocatedAbove } from './allocated.ts';
import { differingRuns } from './differing-runs.ts';

const PIECE = 2 * 1024 * 1024;

/** An image, what it rests on, and what it is to rest on. */
export interface RebaseRequest {
  readonly image: WritableImage;
  /** What it rests on now; absent: on nothing. */
  readonly old?: Chain | undefined;
  /** What it is to rest on; absent: on nothing. */
  readonly fresh?: Chain | undefined;
  /** How many images of `old` lie above `fresh`, where `fresh` is a part of it. */
  readonly above?: number | undefined;
}

/** How far from `at` on a chain reads as zeros without looking at data; 0: not here. */
function zerosAt(chain: Chain | undefined, at: number, length: number): number {
  if (!chain || at >= chain[0].virtualSize) return length;
  const { extent } = locateInChain(chain, at, Math.min(length, chain[0].virtualSize - at));
  return extent.kind === 'zero' || extent.kind === 'absent' ? extent.length : 0;
}

/** Fills `into` with what a chain shows at `at`, zeros behind its end. */
function readPadded(chain: Chain | undefined, at: number, into: Uint8Array): void {
  const there = chain ? Math.max(0, Math.min(into.length, chain[0].virtualSize - at)) : 0;
  into.fill(0, there);
  if (chain && there > 0) readGuest(chain, at, into.subarray(0, there));
}

class Rebase {
  readonly #request: RebaseRequest;
  readonly #buffers = [new Uint8Array(PIECE), new Uint8Array(PIECE)] as const;

  constructor(request: RebaseRequest) {
    this.#request = request;
  }

  *run(): Steps {
    const { image } = this.#request;
    const total = image.virtualSize;
    for (let at = 0; at < total; ) {
      at += this.#at(at, total - at);
      yield { done: at, total };
    }
    image.flush();
  }

  /** Deals with the stretch that begins at `at`; returns its length. */
  #at(at: number, left: number): number {
    const { image, old, fresh, above } = this.#request;
    const extent = image.locate(at, left);
    if (extent.kind !== 'absent') return extent.length;
    let { length } = extent;
    if (old && above !== undefined) {
      const run = allocatedAbove(old, above, at, length);
      if (!run.allocated) return run.length;
      length = run.length;
    }
    const bothZero = Math.min(zerosAt(old, at, length), zerosAt(fresh, at, length));
    if (bothZero > 0) return bothZero;
    // Up to an end of either one, so that a piece is on one side of it.
    for (const end of [old?.[0].virtualSize ?? 0, fresh?.[0].virtualSize ?? 0]) {
      if (end > at) length = Math.min(length, end - at);
    }
    length = Math.min(length, PIECE);
    this.#compare(at, length);
    return length;
  }

  #compare(at: number, length: number): void {
    const { image, old, fresh } = this.#request;
    const mine = this.#buffers[0].subarray(0, length);
    const other = this.#buffers[1].subarray(0, length);
    readPadded(old, at, mine);
    readPadded(fresh, at, other);
    // What comes from behind the end of the old backing image is zeros for certain, and is written as such.
    const behind = !old || at >= old[0].virtualSize;
    for (const run of differingRuns(mine, other)) {
      if (behind) image.zero(at + run.at, run.end - run.at);
      else image.write(at + run.at, mine.subarray(run.at, run.end));
    }
  }
}

/** Afterwards everything that the new backing image does not give is in the image, flushed. */
export function rebaseOnto(request: RebaseRequest): Steps {
  return new Rebase(request).run();
}
