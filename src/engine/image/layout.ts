/**
 * The pure layout of a new image: where everything goes, before anything is written.
 *
 * A format computes it from a request in closed form; generic code writes it, streams it, sums it up and
 * draws it. Offsets and lengths are bytes.
 */

/** What a stretch of the file is for. `free` is inside the file and not in use (its bytes may be stale). */
export type Part = 'header' | 'refcount-table' | 'refcount-block' | 'l1' | 'l2' | 'data' | 'free';

export interface Piece {
  readonly part: Part;
  /** Which of its kind: L2 table number, refcount block number, first guest cluster of data. */
  readonly index: number;
  readonly at: number;
  readonly length: number;
  /**
   * `bytes`: `fill` says what to write. `zeros`: the space is to be taken, zeros written (falloc, full).
   * `hole`: reads as zeros and nothing is written.
   */
  readonly content: 'bytes' | 'zeros' | 'hole';
}

export interface FileLayout {
  /** Length of the finished file. */
  readonly length: number;
  /** Every stretch in file order; they do not overlap, what lies between them is an unused hole. */
  pieces(): Iterable<Piece>;
  /** Bytes [from, from + into.length) of a `bytes` piece, relative to its start. */
  fill(piece: Piece, from: number, into: Uint8Array): void;
}

/** One file, or an image and the data file it refers to. */
export interface ImageLayout {
  readonly image: FileLayout;
  /** Name as the image stores it, and the file's own layout. */
  readonly dataFile?: { readonly name: string; readonly layout: FileLayout };
}

export interface PartTotal {
  readonly part: Part;
  /** Where the first one begins. */
  readonly at: number;
  readonly count: number;
  readonly bytes: number;
}

export interface LayoutTotals {
  readonly length: number;
  /** Bytes that are really written, zeros included. */
  readonly written: number;
  readonly parts: readonly PartTotal[];
}

/** Sums a layout up by part, parts in order of first appearance. */
export function totalOf(layout: FileLayout): LayoutTotals {
  const parts = new Map<Part, { part: Part; at: number; count: number; bytes: number }>();
  let written = 0;
  for (const piece of layout.pieces()) {
    if (piece.content !== 'hole') written += piece.length;
    const total = parts.get(piece.part);
    if (total) {
      total.count++;
      total.bytes += piece.length;
    } else parts.set(piece.part, { part: piece.part, at: piece.at, count: 1, bytes: piece.length });
  }
  return { length: layout.length, written, parts: [...parts.values()] };
}
