/**
 * Brings clusters into the order of the file, for sinks that cannot seek. An engine fills clusters nearly in order:
 * it comes back to the last ones, and now and then it takes a place that a table has left. So what comes waits in a
 * window; what comes for a place that has left the window is late, and must be known beforehand: a first pass, in
 * which nothing leaves, keeps it. Both passes see the same writes, so they agree on what is late.
 */
import { DiskwrightError } from '../../engine/errors.ts';
import type { Piece } from './split-file.ts';

/** Bytes that wait: more than any two requests of an engine together. */
const WINDOW = 8 * 1024 * 1024;
/** Leaves at once. With what waits it stays below the ring's length. */
const STEP = 4 * 1024 * 1024;

/** Late bytes that are kept, at most. */
const MOST_LATE = 32 * 1024 * 1024;

/** The structures of the file, complete. */
export interface Structures {
  pieces(from: number, to: number): Iterable<Piece>;
}

/** Both may use their buffer again when the call returns. */
export interface Leaving {
  bytes(at: number, bytes: Uint8Array): void;
  zeros(at: number, length: number): void;
}

interface Run {
  readonly at: number;
  end: number;
}

/** The border behind which everything waits. */
class Border {
  at = 0;

  /** Moves on for a write that ends at `end`; false where it is late. */
  admits(at: number, end: number): boolean {
    if (at < this.at) return false;
    this.at = Math.max(this.at, end - WINDOW);
    return true;
  }
}

/** The first pass: nothing leaves, what will be late is kept. */
export class LateFinder {
  readonly #border = new Border();
  readonly #late: Piece[] = [];
  #lateEnd = 0;
  #kept = 0;

  write(at: number, bytes: Uint8Array): void {
    const end = at + bytes.length;
    if (at < this.#lateEnd) this.#renew(at, bytes);
    if (this.#border.admits(at, end)) return;
    this.#kept += bytes.length;
    if (this.#kept > MOST_LATE) {
      throw new DiskwrightError('no-space', 'Too much of this image lies out of order to be sent in order.', {
        fix: 'Save it where the browser lets you pick the file, or use the diskwright command.',
      });
    }
    this.#late.push({ at, bytes: bytes.slice() });
    this.#lateEnd = Math.max(this.#lateEnd, end);
  }

  /** In file order. */
  late(): readonly Piece[] {
    return this.#late.toSorted((a, b) => a.at - b.at);
  }

  /** What is written over something late is late there as well. */
  #renew(at: number, bytes: Uint8Array): void {
    for (const piece of this.#late) {
      const from = Math.max(at, piece.at);
      const to = Math.min(at + bytes.length, piece.at + piece.bytes.length);
      if (to > from) piece.bytes.set(bytes.subarray(from - at, to - at), from - piece.at);
    }
  }
}

/** The second pass, or the only one where nothing can be late. */
export class FileOrder {
  readonly #border = new Border();
  readonly #structures: Structures;
  readonly #late: readonly Piece[];
  #nextLate = 0;
  readonly #leaving: Leaving;
  /** Place `at` of the file is place `at % ring.length` here. */
  readonly #ring = new Uint8Array(2 * WINDOW);
  /** What is filled in the window, apart from each other and in order. */
  #filled: Run[] = [];
  /** Everything before has left. */
  #left = 0;

  constructor(structures: Structures, late: readonly Piece[], leaving: Leaving) {
    this.#structures = structures;
    this.#late = late;
    this.#leaving = leaving;
  }

  write(at: number, bytes: Uint8Array): void {
    const end = at + bytes.length;
    if (!this.#border.admits(at, end)) {
      if (this.#late.length === 0) throw new Error(`internal error: ${bytes.length} bytes at ${at} come too late`);
      return;
    }
    this.#leaveUpTo(this.#border.at);
    this.#intoRing(at, bytes);
    this.#fill(at, end);
  }

  /** The rest of the file. */
  finish(size: number): void {
    this.#leaveUpTo(size);
  }

  #fill(at: number, end: number): void {
    const last = this.#filled.at(-1);
    if (!last || at > last.end) {
      this.#filled.push({ at, end });
      return;
    }
    if (at >= last.at) {
      last.end = Math.max(last.end, end);
      return;
    }
    const all = [...this.#filled, { at, end }].sort((a, b) => a.at - b.at);
    this.#filled = [];
    for (const run of all) {
      const before = this.#filled.at(-1);
      if (before && run.at <= before.end) before.end = Math.max(before.end, run.end);
      else this.#filled.push({ ...run });
    }
  }

  #leaveUpTo(to: number): void {
    while (this.#left < to) {
      const step = Math.min(to, this.#left + STEP);
      this.#takeLate(step);
      this.#leaveStep(step);
    }
  }

  /** What is late and begins before `to` takes its place in the window. */
  #takeLate(to: number): void {
    for (let next = this.#late[this.#nextLate]; next && next.at < to; next = this.#late[++this.#nextLate]) {
      this.#intoRing(next.at, next.bytes);
      this.#fill(next.at, next.at + next.bytes.length);
    }
  }

  #leaveStep(to: number): void {
    while (this.#left < to) {
      const [first] = this.#filled;
      if (!first || first.at >= to) {
        this.#leaveStructures(this.#left, to);
        return;
      }
      if (first.at > this.#left) this.#leaveStructures(this.#left, first.at);
      const end = Math.min(first.end, to);
      this.#leaveFilled(first.at, end);
      if (end < first.end) this.#filled[0] = { at: end, end: first.end };
      else this.#filled.shift();
    }
  }

  #leaveFilled(from: number, to: number): void {
    for (const { at, bytes } of this.#structures.pieces(from, to)) this.#intoRing(at, bytes);
    for (let at = from; at < to; ) {
      const place = at % this.#ring.length;
      const length = Math.min(to - at, this.#ring.length - place);
      this.#leaving.bytes(at, this.#ring.subarray(place, place + length));
      at += length;
    }
    this.#left = to;
  }

  #intoRing(at: number, bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; ) {
      const place = (at + done) % this.#ring.length;
      const part = bytes.subarray(done, done + this.#ring.length - place);
      this.#ring.set(part, place);
      done += part.length;
    }
  }

  #leaveStructures(from: number, to: number): void {
    let at = from;
    for (const piece of this.#structures.pieces(from, to)) {
      this.#leaveZeros(at, piece.at);
      this.#leaving.bytes(piece.at, piece.bytes);
      at = piece.at + piece.bytes.length;
    }
    this.#leaveZeros(at, to);
    this.#left = to;
  }

  #leaveZeros(from: number, to: number): void {
    if (to > from) this.#leaving.zeros(from, to - from);
  }
}
