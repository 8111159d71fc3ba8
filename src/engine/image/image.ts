/**
 * An open image: where its guest data is. A format answers `locate`; generic code (`access.ts`) does all reading,
 * following of chains, mapping and comparing once for every format.
 */
import type { SectorCipher } from '../crypto/sector-cipher.ts';
import type { ReadableDevice } from '../device/device.ts';

/**
 * A stretch of the disk whose bytes come from one place. Offsets and lengths are bytes of the guest, `host` an
 * offset in a device.
 *
 *   data    bytes stand at `host` of `device`
 *   zero    reads as zeros; with `host` a place for them is kept
 *   absent  nothing here: the backing image shows through, zeros where there is none; `host` as above
 *   coded   compressed or encrypted: only `decode` of the image can read it
 */
export type Extent =
  | {
      readonly kind: 'data';
      readonly at: number;
      readonly length: number;
      readonly device: ReadableDevice;
      readonly host: number;
    }
  | { readonly kind: 'zero' | 'absent'; readonly at: number; readonly length: number; readonly host?: number }
  | { readonly kind: 'coded'; readonly at: number; readonly length: number };

/** Bytes that are compressed together, and how. */
export interface StoredUnit {
  readonly compression: 'zlib' | 'zstd';
  /** The unit itself, whole also where the disk ends inside it. */
  readonly bytes: Uint8Array;
  /** The same as it is stored, without what stands behind it, and where that is. */
  readonly packed: Uint8Array;
  readonly device: ReadableDevice;
  readonly host: number;
}

/** An image that is open for reading. */
export interface OpenImage {
  /** Bytes of the disk, whole sectors. */
  readonly virtualSize: number;
  /**
   * The extent that begins at `at`, at least one byte and at most `length` long: one object per run, never per
   * cluster. [at, at + length) lies inside the disk. Neighbours may be of one kind. Throws `corrupt`.
   */
  locate(at: number, length: number): Extent;
  /** Fills `into` with the bytes of a coded extent from `at` on. Absent: there are no coded extents. */
  decode?(at: number, into: Uint8Array): void;
  /**
   * The compressed unit that begins at `at`, as it is stored; undefined where what is stored is not exactly that one
   * unit. Its bytes are valid until the next call. Throws `corrupt`.
   */
  stored?(at: number): StoredUnit | undefined;
}

/** The devices of one image, opened by the shell. */
export interface ImageDevices {
  readonly image: ReadableDevice;
  /** Guest data outside the image (an external data file), where the image says that it has one. */
  readonly data?: ReadableDevice | undefined;
}

/** Which snapshot is meant: by its id or else its name, or by everything that is said of it. */
export type SnapshotChoice = string | { readonly id?: string | undefined; readonly name?: string | undefined };

/**
 * A faster decoder of the host's: fills `into` from raw deflate data that junk may follow. False where it could not,
 * for whatever reason: then the engine's own decoder has the last word.
 */
export type FastInflate = (packed: Uint8Array, into: Uint8Array) => boolean;

export interface ReadSettings {
  /** The disk as this snapshot holds it, as long as the disk is now. Formats without snapshots refuse it. */
  readonly snapshot?: SnapshotChoice | undefined;
  readonly inflate?: FastInflate | undefined;
  /** What an encrypted disk was unlocked to; without it the tables can be looked at and no byte can be read. */
  readonly cipher?: SectorCipher | undefined;
}
