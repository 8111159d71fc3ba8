/**
 * A file that the person dropped or chose, read-only. `FileReaderSync` costs close to a millisecond a call, so small
 * reads are answered from a window of the file. It grows while reads follow each other and is small for one that
 * jumps: a scattered table must not cost eight times its length.
 */
import type { DeviceRun, ReadableDevice } from '../../engine/device/device.ts';
import { DiskwrightError } from '../../engine/errors.ts';

/** Read ahead from where a read that is not in the window begins. */
const LEAST_WINDOW = 64 * 1024;
const MOST_WINDOW = 1024 * 1024;

export class FileDevice implements ReadableDevice {
  readonly #file: Blob;
  readonly #reader = new FileReaderSync();
  #window = new Uint8Array(0);
  #windowAt = 0;
  #ahead = LEAST_WINDOW;
  /** Bytes that were really read from the file. */
  bytesRead = 0;

  constructor(file: Blob) {
    this.#file = file;
  }

  get size(): number {
    return this.#file.size;
  }

  read(at: number, into: Uint8Array): void {
    const wanted = Math.max(0, Math.min(into.length, this.size - at));
    into.fill(0, wanted);
    if (wanted === 0) return;
    if (wanted >= MOST_WINDOW) {
      into.set(this.#load(at, wanted));
      return;
    }
    const end = this.#windowAt + this.#window.length;
    if (at < this.#windowAt || at + wanted > end) {
      const follows = at >= this.#windowAt && at <= end && end > 0;
      this.#ahead = follows ? Math.min(MOST_WINDOW, this.#ahead * 2) : LEAST_WINDOW;
      this.#window = this.#load(at, Math.min(Math.max(wanted, this.#ahead), this.size - at));
      this.#windowAt = at;
    }
    into.set(this.#window.subarray(at - this.#windowAt, at - this.#windowAt + wanted));
  }

  /** A browser does not tell where a file has holes. */
  *runs(at: number, length: number): Iterable<DeviceRun> {
    const data = Math.max(0, Math.min(length, this.size - at));
    if (data > 0) yield { kind: 'data', at, length: data };
    if (data < length) yield { kind: 'hole', at: at + data, length: length - data };
  }

  close(): void {
    this.#window = new Uint8Array(0);
  }

  #load(at: number, length: number): Uint8Array<ArrayBuffer> {
    this.bytesRead += length;
    let bytes: Uint8Array<ArrayBuffer>;
    try {
      bytes = new Uint8Array(this.#reader.readAsArrayBuffer(this.#file.slice(at, at + length)));
    } catch (cause) {
      throw new DiskwrightError('io', 'The file cannot be read any more: it was changed or removed.', { cause });
    }
    if (bytes.length === length) return bytes;
    throw new DiskwrightError(
      'io',
      `The file is shorter than it was: it gave ${bytes.length} bytes of ${length} at ${at}.`,
    );
  }
}
