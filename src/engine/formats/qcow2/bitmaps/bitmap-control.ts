/**
 * The dirty bitmaps of an image that is open for writing. While it is open the file says that they are in use; what
 * guests write is recorded in memory, and all of them are stored anew when the image is closed, as QEMU does whether
 * anything was recorded or not.
 */
import { isPowerOfTwo, log2 } from '../../../bytes/math.ts';
import { encodeUtf8 } from '../../../bytes/text.ts';
import { DiskwrightError } from '../../../errors.ts';
import type { BitmapControl, BitmapSource } from '../../../image/writable.ts';
import {
  type Bitmap,
  BitmapFlag,
  bitmapBytes,
  directoryEntryBytes,
  MAX_BITMAP_BYTES,
  MAX_BITMAP_NAME,
  MAX_BITMAPS,
  MAX_DIRECTORY_BYTES,
  MAX_GRANULARITY_BITS,
  MIN_GRANULARITY_BITS,
} from '../bitmaps.ts';
import type { ImageState } from '../state.ts';
import { freeBits, rewriteDirectory, storeBits, writeDirectory } from './bitmap-store.ts';
import { Bits } from './bits.ts';
import { noSuchBitmap, notTrusted, openBits } from './stored-bitmaps.ts';

interface Held {
  readonly name: string;
  readonly storedName: Uint8Array;
  readonly granularityBits: number;
  /** Absent: not to be trusted, and kept as it is. */
  readonly bits: Bits | undefined;
  /** Its directory entry, with the in-use mark; absent: added since. */
  readonly entry: Bitmap | undefined;
  /** Records what guests write. */
  enabled: boolean;
}

const invalid = (message: string): DiskwrightError => new DiskwrightError('invalid-option', `qcow2: ${message}.`);

export class ImageBitmaps implements BitmapControl {
  readonly #state: ImageState;
  /** In the order of the directory; what was added since is behind, in the order of adding. */
  #held: Held[];

  /** `stored`: what the directory names. Marks what can be trusted as in use. */
  constructor(state: ImageState, stored: readonly Bitmap[]) {
    this.#state = state;
    const { clusterSize, virtualSize } = state.header;
    const bits = openBits(stored, { device: state.image, clusterSize, diskSize: virtualSize });
    const entries = stored.map((one) => ({ ...one, flags: one.flags | BitmapFlag.inUse }));
    if (bits.some((one) => one !== undefined)) rewriteDirectory(state, entries);
    this.#held = entries.map((entry, i) => ({
      name: entry.name,
      storedName: entry.storedName,
      granularityBits: entry.granularityBits,
      bits: bits[i],
      entry,
      enabled: bits[i] !== undefined && (entry.flags & BitmapFlag.auto) !== 0,
    }));
  }

  get count(): number {
    return this.#held.length;
  }

  get diskSize(): number {
    return this.#state.header.virtualSize;
  }

  /** A guest has changed, or is about to change, [at, at + length). */
  record(at: number, length: number): void {
    for (const { enabled, bits } of this.#held) if (enabled) bits?.set(at, length);
  }

  add(name: string, options: { readonly granularity?: number; readonly disabled?: boolean } = {}): void {
    const { version, clusterSize } = this.#state.header;
    const granularity = options.granularity ?? Math.min(Math.max(clusterSize, 4096), 65536);
    const storedName = encodeUtf8(name);
    if (name === '') throw invalid('a bitmap needs a name');
    if (storedName.length > MAX_BITMAP_NAME) throw invalid(`the name of a bitmap has at most ${MAX_BITMAP_NAME} bytes`);
    if (
      !isPowerOfTwo(granularity) ||
      log2(granularity) < MIN_GRANULARITY_BITS ||
      log2(granularity) > MAX_GRANULARITY_BITS
    ) {
      throw invalid(`a granularity of ${granularity} is not a power of two from 512 bytes to 2 GiB`);
    }
    if (version === 2) {
      const fix = 'Amend the image first: amend -o compat=1.1.';
      throw new DiskwrightError('unsupported', 'qcow2: an image of version 2 cannot hold bitmaps.', { fix });
    }
    if (this.#held.some((one) => one.name === name)) throw invalid(`there is a bitmap "${name}" already`);
    this.#refuseTooLarge(granularity, this.diskSize);
    const names = [storedName, ...this.#held.map((one) => one.storedName)];
    if (names.length > MAX_BITMAPS) throw invalid(`${MAX_BITMAPS} bitmaps are the most there can be`);
    if (names.reduce((sum, one) => sum + directoryEntryBytes(one.length), 0) > MAX_DIRECTORY_BYTES) {
      throw invalid('the names of all bitmaps together would exceed 64 MiB');
    }
    const granularityBits = log2(granularity);
    this.#held.push({
      name,
      storedName,
      granularityBits,
      bits: new Bits({ clusterSize, granularityBits, diskSize: this.diskSize }),
      entry: undefined,
      enabled: !options.disabled,
    });
  }

  remove(name: string): void {
    const removed = this.#find(name);
    const left = this.#held.filter((one) => one !== removed);
    if (removed.entry) {
      writeDirectory(
        this.#state,
        left.flatMap(({ entry }) => entry ?? []),
      );
      freeBits(this.#state, removed.entry);
    }
    this.#held = left;
  }

  /** Nothing of them is left in the file. */
  removeAll(): void {
    const gone = this.#held.flatMap(({ entry }) => entry ?? []);
    this.#held = [];
    writeDirectory(this.#state, []);
    for (const entry of gone) freeBits(this.#state, entry);
  }

  clear(name: string): void {
    this.#bitsOf(name).clear();
  }

  enable(name: string): void {
    this.#bitsOf(name);
    this.#find(name).enabled = true;
  }

  disable(name: string): void {
    this.#bitsOf(name);
    this.#find(name).enabled = false;
  }

  merge(target: string, source: string, from: BitmapSource = this): void {
    const into = this.#bitsOf(target);
    const { diskSize } = this;
    if (from.diskSize !== diskSize) {
      throw invalid(`a bitmap of a disk of ${from.diskSize} bytes cannot be merged into one of ${diskSize}`);
    }
    // Gathered first: reading may fail, and then nothing is changed.
    const { clusterSize } = this.#state.header;
    const gathered = new Bits({ clusterSize, granularityBits: into.granularityBits, diskSize });
    from.visitMarked(source, (at, length) => gathered.set(at, length));
    gathered.visit((at, length) => into.set(at, length));
  }

  visitMarked(name: string, visit: (at: number, length: number) => void): void {
    this.#bitsOf(name).visit(visit);
  }

  /** Throws where a disk of `size` could not keep its bitmaps. */
  refuseResize(size: number): void {
    for (const { name, bits } of this.#held) {
      if (!bits) throw notTrusted(name);
      this.#refuseTooLarge(2 ** bits.granularityBits, size);
    }
  }

  /** The disk has `size` bytes now. */
  resized(size: number): void {
    for (const { bits } of this.#held) bits?.resize(size);
  }

  /** Stores all that can be trusted anew. */
  store(): void {
    const state = this.#state;
    state.assertUsable();
    // QEMU lists what is new the other way round.
    const added = this.#held.filter(({ entry }) => !entry).reverse();
    const list = [...this.#held.filter(({ entry }) => entry), ...added];
    if (list.every(({ bits }) => !bits)) return;
    const made: Bitmap[] = [];
    let stored = false;
    try {
      const entries = list.map(({ name, storedName, granularityBits, bits, enabled, entry }): Bitmap => {
        if (!bits && entry) return entry;
        const table = storeBits(state, bits as Bits);
        const bitmap = { name, storedName, granularityBits, table, flags: enabled ? BitmapFlag.auto : 0 };
        made.push(bitmap);
        return bitmap;
      });
      writeDirectory(state, entries, () => {
        stored = true;
      });
    } finally {
      if (!stored) for (const bitmap of made) freeBits(state, bitmap);
    }
    for (const { bits, entry } of list) if (bits && entry) freeBits(state, entry);
    this.#held = [];
  }

  #find(name: string): Held {
    const held = this.#held.find((one) => one.name === name);
    if (!held) throw noSuchBitmap(name);
    return held;
  }

  #bitsOf(name: string): Bits {
    const { bits } = this.#find(name);
    if (!bits) throw notTrusted(name);
    return bits;
  }

  #refuseTooLarge(granularity: number, diskSize: number): void {
    if (diskSize === 0) throw invalid('a disk without bytes has nothing to record');
    const bytes = bitmapBytes(diskSize, log2(granularity));
    if (bytes <= MAX_BITMAP_BYTES) return;
    throw invalid(`a bitmap with a granularity of ${granularity} would exceed 512 MiB; use a larger one`);
  }
}
