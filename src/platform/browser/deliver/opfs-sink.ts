/**
 * Stages a file in the origin's private file system, for browsers with neither a picker nor a service
 * worker; the page then offers it as a download. The download copies every byte, so zeros that are
 * to take space take it there, not here.
 */
import type { FileSink, Finished } from './sink.ts';
import { verifyLength } from './sink.ts';
import { type Staged, stage } from './staging.ts';

export class OpfsSink implements FileSink {
  readonly positioned = true;
  readonly #staged: Staged;
  #written = 0;
  #closed = false;

  private constructor(staged: Staged) {
    this.#staged = staged;
  }

  /** `length` is undefined when nobody knows it yet (compressed): then the file grows as it is written. */
  static async open(length: number | undefined): Promise<OpfsSink> {
    const sink = new OpfsSink(await stage(length ?? 0));
    try {
      if (length !== undefined) sink.#staged.device.resize(length);
      return sink;
    } catch (error) {
      await sink.abort();
      throw error;
    }
  }

  write(at: number, bytes: Uint8Array): void {
    this.#staged.device.write(at, bytes);
    this.#written += bytes.length;
  }

  zeros(): void {}

  async finish(length: number): Promise<Finished> {
    const { device, file } = this.#staged;
    if (device.size !== length) device.resize(length);
    device.flush();
    this.#close();
    this.#staged.offered();
    const download = await file.getFile();
    verifyLength(length, download.size);
    return { length, written: this.#written, download };
  }

  async abort(): Promise<void> {
    this.#close();
    await this.#staged.remove();
  }

  #close(): void {
    if (!this.#closed) this.#staged.device.close();
    this.#closed = true;
  }
}
