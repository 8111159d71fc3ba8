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
  readonly bytes: Uint8Array<ArrayBuffer> | undefined;
  /** Rejects where the file cannot be read any more. */
  readonly loaded: Promise<void>;
}

interface Loading {
  readonly at: number;
  readonly length: number;
  bytes: Uint8Array<ArrayBuffer> | undefined;
  loaded: Promise<void>;
}

/** A read that takes longer is made again in another way. */
const STALLED_MS = 1000;
/** Buffers of this length are used again; what needs less than half of one is left to the collector. */
const POOLED = 8 * 1024 * 1024;
/** Of this worker, whatever the number of its files. */
const pool: ArrayBuffer[] = [];
const MOST_POOLED = 4;

/** Undefined after a while without an answer: in Chromium 156 one read of some thousands is never answered. */
function orStalled<T>(read: Promise<T>): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(undefined), STALLED_MS);
    read.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** Reads into buffers that it is given; undefined where the browser cannot. */
function bufferReader(blob: Blob): ReadableStreamBYOBReader | undefined {
  try {
    return blob.stream().getReader({ mode: 'byob' });
  } catch {
    return undefined;
  }
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

  /** It is not read again. Its buffer is used for another slice: a collector comes for megabytes too late. */
  release(slice: Slice): void {
    const { bytes } = slice;
    if (bytes?.buffer.byteLength === POOLED && pool.length < MOST_POOLED) pool.push(bytes.buffer);
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
    let bytes: Uint8Array<ArrayBuffer>;
    try {
      bytes = await this.#bytesOf(this.#blob.slice(slice.at, slice.at + slice.length), slice.length);
    } catch (cause) {
      throw new DiskwrightError('io', 'The file cannot be read any more: it was changed or removed.', { cause });
    }
    if (bytes.length !== slice.length) {
      const facts = `${bytes.length} bytes of ${slice.length} at ${slice.at}`;
      throw new DiskwrightError('io', `The file is shorter than it was: it gave ${facts}.`);
    }
    this.bytesRead += slice.length;
    slice.bytes = bytes;
  }

  /** As many bytes as there are. */
  async #bytesOf(blob: Blob, length: number): Promise<Uint8Array<ArrayBuffer>> {
    const reader = bufferReader(blob);
    if (!reader) return new Uint8Array(await blob.arrayBuffer());
    const pooled = length > POOLED / 2 && length <= POOLED;
    let buffer = (pooled ? pool.pop() : undefined) ?? new ArrayBuffer(pooled ? POOLED : length);
    let filled = 0;
    while (filled < length) {
      const step = await orStalled(reader.read(new Uint8Array(buffer, filled, length - filled)));
      if (!step) {
        reader.cancel().catch(() => {});
        return new Uint8Array(await blob.arrayBuffer());
      }
      const { done, value } = step;
      if (value) buffer = value.buffer;
      if (done) break;
      filled += value.length;
    }
    return new Uint8Array(buffer, 0, filled);
  }
}
