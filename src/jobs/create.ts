/**
 * Writes a layout: emits every byte run in file order, holes skipped, so that positioned and in-order
 * sinks take the same steps. The consumer sets the final length (`FileLayout.length`) itself.
 */
import type { FileLayout, Piece } from '../engine/image/layout.ts';
import type { Operation } from './step.ts';

/** Bytes gathered into one emit: adjacent small tables leave as one write. */
const CHUNK = 1024 * 1024;
/** Zeros between two progress reports. */
const ZERO_STRETCH = 8 * 1024 * 1024;

/** A buffer for adjacent bytes on their way out. */
class Gather {
  readonly buffer = new Uint8Array(CHUNK);
  at = 0;
  used = 0;

  /** Whether bytes at `at` would continue what is gathered and something still fits. */
  takes(at: number): boolean {
    return this.used === 0 || (this.at + this.used === at && this.used < CHUNK);
  }

  /** The next free stretch of at most `length` bytes, marked used. */
  claim(at: number, length: number): Uint8Array {
    if (this.used === 0) this.at = at;
    const into = this.buffer.subarray(this.used, this.used + Math.min(length, CHUNK - this.used));
    this.used += into.length;
    return into;
  }

  /** What was gathered; empties the buffer. */
  take(): { at: number; bytes: Uint8Array } {
    const bytes = this.buffer.subarray(0, this.used);
    this.used = 0;
    return { at: this.at, bytes };
  }
}

/** Returns the number of bytes written, zeros included. */
export function* emitLayout(layout: FileLayout): Operation<number> {
  const total = layout.totals().written;
  const gather = new Gather();
  let done = 0;

  function* emitPiece(piece: Piece): Operation<void> {
    for (let from = 0; from < piece.length; ) {
      if (!gather.takes(piece.at + from)) {
        yield { kind: 'emit', ...gather.take() };
        yield { kind: 'progress', done, total };
      }
      const into = gather.claim(piece.at + from, piece.length - from);
      layout.fill(piece, from, into);
      from += into.length;
      done += into.length;
    }
  }

  yield { kind: 'progress', done, total };
  for (const piece of layout.pieces()) {
    if (piece.content === 'hole') continue;
    if (piece.content === 'bytes') {
      yield* emitPiece(piece);
      continue;
    }
    if (gather.used > 0) yield { kind: 'emit', ...gather.take() };
    for (let from = 0; from < piece.length; from += ZERO_STRETCH) {
      const length = Math.min(ZERO_STRETCH, piece.length - from);
      yield { kind: 'zeros', at: piece.at + from, length };
      done += length;
      yield { kind: 'progress', done, total };
    }
  }
  if (gather.used > 0) yield { kind: 'emit', ...gather.take() };
  yield { kind: 'progress', done, total };
  return done;
}
