/** Between an engine that does not wait and a sink that does: what is written in one step leaves before the next. */
import type { FileSink } from '../../platform/browser/deliver/sink.ts';

/** One buffer; steps rarely write more. */
const CHUNK = 4 * 1024 * 1024;
const MOST_ZEROS = 8 * 1024 * 1024;

interface Item {
  readonly at: number;
  readonly bytes: Uint8Array | undefined;
  length: number;
}

export class SinkQueue {
  readonly #sink: FileSink;
  readonly #chunks: Uint8Array[] = [];
  #chunk = 0;
  #used = 0;
  #items: Item[] = [];
  /** Bytes that were handed on or wait to be. */
  taken = 0;

  constructor(sink: FileSink) {
    this.#sink = sink;
  }

  /** The bytes may be used again when it returns. */
  bytes(at: number, bytes: Uint8Array): void {
    this.taken += bytes.length;
    for (let done = 0; done < bytes.length; ) {
      if (this.#used === CHUNK) {
        this.#chunk++;
        this.#used = 0;
      }
      this.#chunks[this.#chunk] ??= new Uint8Array(CHUNK);
      const chunk = this.#chunks[this.#chunk] as Uint8Array;
      const length = Math.min(bytes.length - done, CHUNK - this.#used);
      chunk.set(bytes.subarray(done, done + length), this.#used);
      this.#add(at + done, chunk.subarray(this.#used), length);
      this.#used += length;
      done += length;
    }
  }

  zeros(at: number, length: number): void {
    this.#items.push({ at, bytes: undefined, length });
  }

  /** Hands everything on; undefined where nothing waits or nobody makes us wait. */
  drain(): Promise<void> | undefined {
    return this.#items.length > 0 ? this.#handOn() : undefined;
  }

  #add(at: number, bytes: Uint8Array, length: number): void {
    const last = this.#items.at(-1);
    const follows = last?.bytes && last.at + last.length === at && last.bytes.buffer === bytes.buffer;
    if (follows) last.length += length;
    else this.#items.push({ at, bytes, length });
  }

  async #handOn(): Promise<void> {
    const items = this.#items;
    this.#items = [];
    for (const { at, bytes, length } of items) {
      if (bytes) {
        const wait = this.#sink.write(at, bytes.subarray(0, length));
        if (wait) await wait;
        continue;
      }
      for (let done = 0; done < length; done += MOST_ZEROS) {
        const wait = this.#sink.zeros(at + done, Math.min(MOST_ZEROS, length - done));
        if (wait) await wait;
      }
    }
    this.#chunk = 0;
    this.#used = 0;
  }
}
