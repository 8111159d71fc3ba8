/**
 * The pure layout of a new image: where everything goes, before anything is written.
 *
 * A format computes it from a request in closed form; generic code writes it, streams it, sums it up and
 * draws it. Offsets and lengths are bytes.
 */

/** What a stretch of the file is for. `free` is inside the file and not in use (its bytes may be stale). */
export type Part = 'header' | 'luks' | 'refcount-table' | 'refcount-block' | 'l1' | 'l2' | 'data' | 'free';

/** One stretch of a new file. */
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

/** Where everything in a new file goes, and how to fill it in. */
export interface FileLayout {
  /** Length of the finished file. */
  readonly length: number;
  /** Every stretch in file order; they do not overlap, what lies between them is an unused hole. */
  pieces(): Iterable<Piece>;
  /** Bytes [from, from + into.length) of a `bytes` piece, relative to its start. */
  fill(piece: Piece, from: number, into: Uint8Array): void;
  /** The pieces summed up; much cheaper than walking them where there are millions. */
  totals(): LayoutTotals;
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

/** Sums over a layout, known without walking it. */
export interface LayoutTotals {
  readonly length: number;
  /** Bytes that are really written, zeros included. */
  readonly written: number;
  readonly parts: readonly PartTotal[];
}

/** Gathers pieces into totals, parts in file order of their first. */
export class Totals {
  readonly #parts = new Map<Part, { part: Part; at: number; count: number; bytes: number }>();
  #written = 0;

  /** `count` pieces of together `bytes` bytes, the first of them at `at`. */
  add(part: Part, content: Piece['content'], at: number, bytes: number, count = 1): void {
    if (content !== 'hole') this.#written += bytes;
    const total = this.#parts.get(part);
    if (total) {
      total.at = Math.min(total.at, at);
      total.count += count;
      total.bytes += bytes;
    } else this.#parts.set(part, { part, at, count, bytes });
  }

  of(length: number): LayoutTotals {
    const parts = [...this.#parts.values()].sort((a, b) => a.at - b.at);
    return { length, written: this.#written, parts };
  }
}

/** A layout of few pieces: they are summed up one by one. */
export function pieceLayout(
  length: number,
  pieces: () => Iterable<Piece>,
  fill: FileLayout['fill'] = (_piece, _from, into) => into.fill(0),
): FileLayout {
  const totals = (): LayoutTotals => {
    const sums = new Totals();
    for (const { part, content, at, length: bytes } of pieces()) sums.add(part, content, at, bytes);
    return sums.of(length);
  };
  return { length, pieces, fill, totals };
}

/** A file that is one stretch of zeros, to be written or left a hole; no piece at all when it is empty. */
export function plainLayout(length: number, content: 'zeros' | 'hole'): FileLayout {
  const pieces: readonly Piece[] = length === 0 ? [] : [{ part: 'data', index: 0, at: 0, length, content }];
  return pieceLayout(length, () => pieces);
}
