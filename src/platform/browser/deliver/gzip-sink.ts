/**
 * Compresses on the way to another sink, with the browser's own `CompressionStream`. The compressed
 * length is not known beforehand; the digest of the image is not affected.
 */
import type { FileSink, Finished } from './sink.ts';
import { verifyLength, ZEROS } from './sink.ts';

/** Zeros given to the compressor at once: cancelling must not wait for more. */
const STRETCH = 1024 * 1024;

export class GzipSink implements FileSink {
  readonly positioned = false;
  readonly #inner: FileSink;
  readonly #writer: WritableStreamDefaultWriter<BufferSource>;
  readonly #drained: Promise<void>;
  readonly #tap: (bytes: Uint8Array) => void;
  #failure: unknown;
  #taken = 0;
  #out = 0;

  /** `tap` sees the compressed bytes in order. */
  constructor(inner: FileSink, tap: (bytes: Uint8Array) => void) {
    this.#inner = inner;
    this.#tap = tap;
    const gzip = new CompressionStream('gzip');
    this.#writer = gzip.writable.getWriter();
    this.#drained = this.#drain(gzip.readable.getReader());
    // Whoever writes meets the failure first; this only keeps it from being reported as unhandled.
    this.#drained.catch(() => {});
  }

  async write(_at: number, bytes: Uint8Array): Promise<void> {
    this.#taken += bytes.length;
    // The caller's buffer is used again, and nothing promises when the compressor has read it.
    await this.#feeding(this.#writer.write(bytes.slice()));
  }

  async zeros(_at: number, length: number): Promise<void> {
    this.#taken += length;
    for (let left = length; left > 0; left -= STRETCH) {
      await this.#feeding(this.#writer.write(ZEROS.subarray(0, Math.min(STRETCH, left))));
    }
  }

  async finish(length: number): Promise<Finished> {
    verifyLength(length, this.#taken);
    await this.#feeding(this.#writer.close());
    await this.#drained;
    return await this.#inner.finish(this.#out);
  }

  async abort(): Promise<void> {
    this.#writer.abort().catch(() => {});
    await this.#inner.abort();
    await this.#drained.catch(() => {});
  }

  /** A failure of the inner sink ends the write that waits for room; it is the one to tell. */
  async #feeding(write: Promise<void>): Promise<void> {
    try {
      await write;
    } catch (error) {
      throw this.#failure ?? error;
    }
  }

  async #drain(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        this.#tap(value);
        await this.#inner.write(this.#out, value);
        this.#out += value.length;
      }
    } catch (error) {
      this.#failure = error;
      reader.cancel(error).catch(() => {});
      throw error;
    }
  }
}
