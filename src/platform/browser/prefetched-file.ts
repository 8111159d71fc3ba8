/**
 * A chosen file whose bulk is fetched before it is read: slices are loaded without waiting, several at once, and a
 * read that falls into one of them only copies. Everything else (tables) is read as any file is.
 */
import { DiskwrightError } from '../../engine/errors.ts';
import { FileDevice } from './file-device.ts';

export interface Slice {
  readonly at: number;
  readonly length: number;
  /** Absent: it is on its way. */
  readonly bytes: Uint8Array | undefined;
  /** Rejects where the file cannot be read any more. */
  readonly loaded: Promise<void>;
}

interface Loading {
  readonly at: number;
  readonly length: number;
  bytes: Uint8Array | undefined;
  loaded: Promise<void>;
}

export class PrefetchedFile extends FileDevice {
  readonly #blob: Blob;
  #slices: Loading[] = [];

  constructor(file: Blob) {
    super(file);
    this.#blob = file;
  }

  /** Begins to load a stretch that will be read. */
  fetch(at: number, length: number): Slice {
    const slice: Loading = { at, length, bytes: undefined, loaded: Promise.resolve() };
    slice.loaded = this.#load(slice);
    // Whoever needs it meets the failure; until then it must not count as unhandled.
    slice.loaded.catch(() => {});
    this.#slices.push(slice);
    return slice;
  }

  /** It is not read again. */
  release(slice: Slice): void {
    this.#slices = this.#slices.filter((one) => one !== slice);
  }

  override read(at: number, into: Uint8Array): void {
    const end = at + into.length;
    for (const { at: start, length, bytes } of this.#slices) {
      if (!bytes || at < start || at >= start + length) continue;
      const there = Math.min(end, start + length) - at;
      into.set(bytes.subarray(at - start, at - start + there));
      if (there < into.length) this.read(at + there, into.subarray(there));
      return;
    }
    super.read(at, into);
  }

  override close(): void {
    this.#slices = [];
    super.close();
  }

  async #load(slice: Loading): Promise<void> {
    let bytes: ArrayBuffer;
    try {
      bytes = await this.#blob.slice(slice.at, slice.at + slice.length).arrayBuffer();
    } catch (cause) {
      throw new DiskwrightError('io', 'The file cannot be read any more: it was changed or removed.', { cause });
    }
    if (bytes.byteLength !== slice.length) {
      const facts = `${bytes.byteLength} bytes of ${slice.length} at ${slice.at}`;
      throw new DiskwrightError('io', `The file is shorter than it was: it gave ${facts}.`);
    }
    this.bytesRead += slice.length;
    slice.bytes = new Uint8Array(bytes);
  }
}
