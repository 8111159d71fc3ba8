/** Builds a small file in memory. Zeros are one shared buffer until the browser joins the parts. */
import type { FileSink, Finished } from './sink.ts';
import { verifyLength, ZEROS } from './sink.ts';

export class BlobSink implements FileSink {
  readonly positioned = false;
  readonly #parts: BlobPart[] = [];
  #length = 0;

  write(_at: number, bytes: Uint8Array): void {
    this.#parts.push(bytes.slice());
    this.#length += bytes.length;
  }

  zeros(_at: number, length: number): void {
    this.#parts.push(ZEROS.subarray(0, length));
    this.#length += length;
  }

  async finish(length: number): Promise<Finished> {
    verifyLength(length, this.#length);
    const download = new Blob(this.#parts, { type: 'application/octet-stream' });
    verifyLength(length, download.size);
    return { length, written: length, download };
  }

  async abort(): Promise<void> {
    this.#parts.length = 0;
  }
}
