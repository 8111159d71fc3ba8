/**
 * An image open for writing. A capability is the presence of a member: what a format cannot do is absent.
 *
 * Guest offsets and lengths are bytes. What a call has changed is on the medium after `flush` or `close`; whatever
 * happens before, the image stays sound (a cut leaves leaks at worst).
 */
import type { SectorCipher } from '../crypto/sector-cipher.ts';
import type { WritableDevice } from '../device/device.ts';
import type { OptionTexts } from '../options/declare.ts';
import type { Chain } from './access.ts';
import type { SnapshotFacts } from './description.ts';
import type { OpenImage } from './image.ts';

/** Work that takes long: yields progress (bytes or entries, an upper bound), can be left with `return()`. */
export type Steps<Result = void> = Generator<{ readonly done: number; readonly total: number }, Result>;

/** The files of an image that is opened for writing. */
export interface WritableDevices {
  readonly image: WritableDevice;
  /** Guest data outside the image, where the image says that it has one. */
  readonly data?: WritableDevice | undefined;
  /**
   * The image file again, for those who treat the guest's clusters apart from the image's own structures: only what a
   * guest writes goes there, and it is read back only where a guest's request comes back to it. Absent: `image`.
   */
  readonly clusters?: WritableDevice | undefined;
  /** What the image rests on, for the parts that it does not have; absent: they read as zeros. */
  readonly backing?: Chain | undefined;
}

/** How an image is opened for writing. */
export interface OpenSettings {
  /** Settings of the open image by QEMU's names (`lazy-refcounts`, `overlap-check`, …). */
  readonly texts?: Readonly<Record<string, string>>;
  /** Freed clusters are given back to the host, as `discard=unmap` asks. */
  readonly unmap?: boolean;
  /** A corrupt image may be opened, and a dirty one is left as it is: for repair. */
  readonly repair?: boolean;
  /** Words about what opening did or left out: bitmaps that cannot be trusted, a repaired dirty image. */
  readonly onWarning?: (text: string) => void;
  /** What an encrypted disk was unlocked to; without it nothing of the disk can be read or written. */
  readonly cipher?: SectorCipher | undefined;
}

export type Preallocation = 'off' | 'metadata' | 'falloc' | 'full';

export interface ResizeRequest {
  /** Bytes. */
  readonly size: number;
  readonly preallocation: Preallocation;
}

/** The moment a snapshot is made: the shell knows it, the engine has no clock. */
export interface Moment {
  readonly seconds: number;
  readonly nanoseconds: number;
}

export interface SnapshotControl {
  list(): readonly SnapshotFacts[];
  create(name: string, date: Moment): Steps;
  /** By id or, if no snapshot has that, by name; or the very one of the list. */
  apply(which: string | SnapshotFacts): Steps;
  delete(which: string | SnapshotFacts): Steps;
}

/** Bitmaps of an image, to be merged into those of another. */
export interface BitmapSource {
  /** Bytes of the disk that they are about. */
  readonly diskSize: number;
  /** Calls `visit` for every stretch of the disk that the bitmap marks, in order. Throws where there is none to trust. */
  visitMarked(name: string, visit: (at: number, length: number) => void): void;
}

export interface BitmapControl extends BitmapSource {
  /** `granularity`: bytes, a power of two; absent: the format's default. `disabled`: it does not record. */
  add(name: string, options: { readonly granularity?: number; readonly disabled?: boolean }): void;
  remove(name: string): void;
  clear(name: string): void;
  enable(name: string): void;
  disable(name: string): void;
  /** Sets in `target` what is set in `source`, a bitmap of this image or of another one. */
  merge(target: string, source: string, from?: BitmapSource): void;
}

export interface LuksPatch {
  readonly at: number;
  readonly bytes: Uint8Array;
}

/** An image that is open for writing. */
export interface WritableImage extends OpenImage {
  /** One request, as long as memory allows: where it lands may depend on its length. Beyond the disk is `out-of-range`. */
  write(at: number, from: Uint8Array): void;
  /** Makes a stretch read as zeros. `unmap`: its clusters may be given up. */
  zero(at: number, length: number, unmap?: boolean): void;
  /** Whole clusters inside the stretch are given up and read as zeros; the rest stays as it is. */
  discard(at: number, length: number): void;
  /** How `writeCompressed` wants its clusters packed; absent: the format has no compressed clusters. */
  readonly compression?: 'zlib' | 'zstd';
  /** Bytes that are compressed together. */
  readonly compressedUnit?: number;
  /**
   * Stores one whole unit (at the end of the disk the rest of it). `packed`: the unit, padded with zeros, compressed
   * (raw deflate or one zstd frame); absent or not shorter than a unit: it is stored plainly.
   */
  writeCompressed?(at: number, from: Uint8Array, packed?: Uint8Array): void;
  /** Everything before is on the medium. */
  flush(): void;
  /** Flushes and leaves the image as closed cleanly. The devices stay open. */
  close(): void;
  resize?(request: ResizeRequest): Steps;
  readonly snapshots?: SnapshotControl;
  readonly bitmaps?: BitmapControl;
  /** Changes create options of the image; refuses those that cannot be changed. */
  amend?(texts: OptionTexts): Steps;
  /** Names another backing image (undefined: none); the disk's content is the caller's business. */
  nameBacking?(backing: { readonly name: string; readonly format?: string } | undefined): void;
  /** Changes the LUKS header: each patch, counted from its start, is on the medium before the next. */
  writeLuks?(patches: readonly LuksPatch[]): void;
  /** Gives every cluster up, so that the backing image shows through everywhere. */
  makeEmpty?(): Steps;
}
