/**
 * Writes at places into a file that the person picked. Holes are skipped and stay holes where the file
 * system has them.
 *
 * One `createWritable` write costs about a millisecond whatever its size, so neighbouring bytes
 * leave together, and a small gap between two tables is filled with zeros rather than paid with another
 * write. Two buffers: one is filled while the other is on its way.
 */
import { type PickedHandle, removePicked } from './picked-handle.ts';
import type { FileSink, Finished } from './sink.ts';
import { savingFailed, verifyLength, ZEROS } from './sink.ts';

/** Bytes of one write. */
const BUFFER = 4 * 1024 * 1024;
/** Largest gap that is filled: its zeros cost less than the millisecond of a write (calculated). */
const FILLED_GAP = 128 * 1024;
const CONSEQUENCE = 'The file could not be written to its end, it was removed.';

export class PickedSink implements FileSink {
  readonly positioned = true;
  readonly #handle: PickedHandle;
  readonly #writable: FileSystemWritableFileStream;
  #filling = new Uint8Array(BUFFER);
  #flying = new Uint8Array(BUFFER);
  #at = 0;
  #used = 0;
  /** Furthest end of what was handed over: only behind it a gap is sure to be empty. */
  #reached = 0;
  #onItsWay: Promise<void> | undefined;
  #failure: unknown;
  #written = 0;

  private constructor(handle: PickedHandle, writable: FileSystemWritableFileStream) {
    this.#handle = handle;
    this.#writable = writable;
  }

  static async open(handle: PickedHandle): Promise<PickedSink> {
    try {
      return new PickedSink(handle, await handle.createWritable());
    } catch (error) {
      throw savingFailed(error, 'io', 'The picked file cannot be written.');
    }
  }

  write(at: number, bytes: Uint8Array): void | Promise<void> {
    if (this.#fits(at, bytes.length)) this.#gather(at, bytes);
    else return this.#writeSlowly(at, bytes);
  }

  zeros(at: number, length: number): void | Promise<void> {
    if (length <= FILLED_GAP) return this.write(at, ZEROS.subarray(0, length));
    return this.#flush().then(() => {
      this.#reached = Math.max(this.#reached, at + length);
      return this.#send(at, ZEROS.subarray(0, length));
    });
  }

  async finish(length: number): Promise<Finished> {
    try {
      await this.#flush();
      await this.#landed();
      await this.#writable.truncate(length);
      await this.#writable.close();
      const file = await this.#handle.getFile();
      verifyLength(length, file.size);
      return { length: file.size, written: this.#written };
    } catch (error) {
      throw savingFailed(error, 'io', CONSEQUENCE);
    }
  }

  async abort(): Promise<void> {
    await this.#writable.abort().catch(() => {});
    await removePicked(this.#handle);
  }

  /** Whether the bytes can join what is gathered. */
  #fits(at: number, length: number): boolean {
    if (this.#used === 0) return length <= BUFFER;
    const end = this.#at + this.#used;
    const gap = at - end;
    const empty = gap === 0 || (gap > 0 && gap <= FILLED_GAP && end >= this.#reached);
    return empty && at + length - this.#at <= BUFFER;
  }

  #gather(at: number, bytes: Uint8Array): void {
    if (this.#used === 0) this.#at = at;
    const start = at - this.#at;
    this.#filling.fill(0, this.#used, start);
    this.#filling.set(bytes, start);
    this.#used = start + bytes.length;
    this.#reached = Math.max(this.#reached, at + bytes.length);
  }

  async #writeSlowly(at: number, bytes: Uint8Array): Promise<void> {
    await this.#flush();
    for (let from = 0; from < bytes.length; from += BUFFER) {
      if (this.#used > 0) await this.#flush();
      this.#gather(at + from, bytes.subarray(from, from + BUFFER));
    }
  }

  async #flush(): Promise<void> {
    if (this.#used === 0) return;
    const bytes = this.#filling.subarray(0, this.#used);
    const at = this.#at;
    this.#used = 0;
    await this.#landed();
    [this.#filling, this.#flying] = [this.#flying, this.#filling];
    await this.#send(at, bytes);
  }

  /** Starts a write; the one before it has landed when this returns. */
  async #send(position: number, data: Uint8Array<ArrayBuffer>): Promise<void> {
    await this.#landed();
    this.#written += data.length;
    this.#onItsWay = this.#writable.write({ type: 'write', position, data }).catch((error: unknown) => {
      this.#failure = error;
    });
  }

  async #landed(): Promise<void> {
    await this.#onItsWay;
    if (this.#failure !== undefined) throw savingFailed(this.#failure, 'io', CONSEQUENCE);
  }
}
