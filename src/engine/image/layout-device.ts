/**
 * The file of a layout as a device to read from, without the file: bytes come from the layout itself.
 *
 * Reads that move forward are cheap; one that goes back walks the pieces from the front again. That suits a
 * check, which goes through the file a few times.
 */
import type { DeviceRun, ReadableDevice } from '../device/device.ts';
import type { FileLayout, Piece } from './layout.ts';

export class LayoutDevice implements ReadableDevice {
  readonly #layout: FileLayout;
  #pieces: Iterator<Piece>;
  /** The first piece that is not behind; undefined: there are no more. */
  #piece: Piece | undefined;
  /** Where the pieces that are behind end. */
  #behind = 0;

  constructor(layout: FileLayout) {
    this.#layout = layout;
    this.#pieces = layout.pieces()[Symbol.iterator]();
    this.#advance();
  }

  get size(): number {
    return this.#layout.length;
  }

  read(at: number, into: Uint8Array): void {
    into.fill(0);
    const end = at + into.length;
    this.#seek(at);
    for (let piece = this.#piece; piece !== undefined && piece.at < end; piece = this.#piece) {
      const from = Math.max(at, piece.at);
      const to = Math.min(end, piece.at + piece.length);
      if (piece.content === 'bytes') this.#fill(piece, from - piece.at, into.subarray(from - at, to - at));
      if (piece.at + piece.length > end) return;
      this.#advance();
    }
  }

  *runs(at: number, length: number): Iterable<DeviceRun> {
    // Nobody copies from here; what is a hole is told where the layout is written.
    yield { kind: 'data', at, length };
  }

  close(): void {}

  #advance(): void {
    if (this.#piece) this.#behind = this.#piece.at + this.#piece.length;
    const step = this.#pieces.next();
    this.#piece = step.done ? undefined : step.value;
  }

  #seek(at: number): void {
    if (at < this.#behind) {
      this.#pieces = this.#layout.pieces()[Symbol.iterator]();
      this.#piece = undefined;
      this.#behind = 0;
      this.#advance();
    }
    while (this.#piece && this.#piece.at + this.#piece.length <= at) this.#advance();
  }

  /** Layouts fill from whole 8-byte words on; a read may begin anywhere. */
  #fill(piece: Piece, from: number, into: Uint8Array): void {
    const skip = from % 16;
    const extra = (16 - ((skip + into.length) % 16)) % 16;
    const length = Math.min(skip + into.length + extra, piece.length - (from - skip));
    const words = new Uint8Array(length);
    this.#layout.fill(piece, from - skip, words);
    into.set(words.subarray(skip, skip + into.length));
  }
}
