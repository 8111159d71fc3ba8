/**
 * The contract of a format: a light description (this goes into the page) and a driver behind `load`
 * (this goes into the worker and the command). A capability is the presence of a member.
 */

import type { ReadableDevice, WritableDevice } from '../device/device.ts';
import type { OptionSet, OptionTexts } from '../options/declare.ts';
import type { ImageDescription } from './description.ts';
import type { FormatExplorer } from './exploration.ts';
import type { ImageDevices, OpenImage, ReadSettings } from './image.ts';
import type { ImageLayout } from './layout.ts';
import type { CheckProgress, CheckReport, RepairMode, RepairReport } from './report.ts';
import type { BitmapSource, OpenSettings, WritableDevices, WritableImage } from './writable.ts';

/** A format as the registry lists it: light, without the code that knows its bytes. */
export interface FormatSpec {
  /** Name in qemu-img. */
  readonly name: string;
  readonly label: string;
  /** Who opens it, three words: `QEMU, UTM, libvirt`. */
  readonly usedBy: string;
  /** One sentence for the form. */
  readonly about: string;
  /** Usual file name ending, without the dot. */
  readonly ending: string;
  /** Create options; absent: recognised, but cannot be made here. */
  readonly options?: OptionSet;
  /** What `amend` changes of the keys of an encrypted image; absent: there are none. */
  readonly keyOptions?: OptionSet;
  load(): Promise<FormatDriver>;
}

/** What a format can do, loaded when it is needed. A capability is the presence of a member. */
export interface FormatDriver {
  /**
   * Says whether the device holds this format: the reason in words (`"QFI\xfb" at 0, version 3`), or
   * undefined. Looks at its own magic only and never throws on content. `fileName` is for formats that
   * are known by the ending of the name (dmg): their magic could be written by a guest.
   */
  probe(device: ReadableDevice, fileName?: string): string | undefined;
  /**
   * Virtual size in bytes as its own header tells it, with the checks that opening needs.
   * Throws `corrupt` or `unsupported`.
   */
  virtualSize(device: ReadableDevice): number;
  /** The image that this one rests on, as its header names it; absent: the format has no such thing. */
  backing?(device: ReadableDevice): BackingReference | undefined;
  readonly create?: CreateDriver;
  /** The file that holds the guest's data when the image does not, as its header names it. */
  dataFile?(device: ReadableDevice): string | undefined;
  /** What has to be unlocked before the disk can be read; undefined: nothing. Absent: the format has no encryption. */
  lock?(device: ReadableDevice): Lock | undefined;
  /** What the image says about itself; absent: cannot be told so far. Throws where it cannot be opened. */
  describe?(device: ReadableDevice): ImageDescription;
  /** Opens the image to read its disk; absent: cannot be read so far. Throws `corrupt` or `unsupported`. */
  open?(devices: ImageDevices, settings?: ReadSettings): OpenImage;
  /** Loads what changes images of this format; absent: they cannot be changed so far. */
  editor?(): Promise<FormatEditor>;
  /** Loads what looks into files of this format; absent: only their disk can be looked at. */
  explorer?(): Promise<FormatExplorer>;
  /**
   * Checks the image's own structures without changing anything; absent: the format has nothing to check.
   * Throws where the image cannot be opened at all.
   */
  check?(device: ReadableDevice): Generator<CheckProgress, CheckReport>;
}

/** What changes images of a format. Loaded apart: who makes or looks at images does not need it. */
export interface FormatEditor {
  /** Throws `corrupt` or `unsupported`. */
  openWritable(devices: WritableDevices, settings?: OpenSettings): WritableImage;
  /**
   * Checks and repairs: `leaks` gives back what is counted and not used, `all` also what is broken. A cut at any
   * moment leaves the guest's data as it was. Throws where the image cannot be opened or written at all.
   */
  repair?(device: WritableDevice, mode: RepairMode): Generator<CheckProgress, RepairReport>;
  /** The dirty bitmaps of an image that is only read, to be merged into those of another. */
  bitmaps?(device: ReadableDevice): BitmapSource;
}

/** How a disk is encrypted. */
export type Lock =
  /** A LUKS header, its key material included, lies at [at, at + length) of the file. */
  | { readonly kind: 'luks'; readonly at: number; readonly length: number }
  /** The passphrase is the key; nothing tells a wrong one. */
  | { readonly kind: 'aes' };

/** The image that another one rests on, as its header names it. */
export interface BackingReference {
  /** As stored; relative names are relative to the image's folder. */
  readonly name: string;
  /** Format name as stored; absent: it must be probed. */
  readonly format?: string;
}

/** A new image, as it was asked for. */
export interface CreateRequest {
  /** Option texts without syntax problems; what is absent has its default. */
  readonly texts: OptionTexts;
  /**
   * For a disk that is encrypted with LUKS: its header and key material, made by the shell, which has chance and
   * time. Without it only sizes and places can be told.
   */
  readonly luksHeader?: Uint8Array | undefined;
}

/** What makes new images of a format. */
export interface CreateDriver {
  /** How the disk is to be encrypted; undefined: it is not. Absent: the format cannot. */
  encryption?(request: CreateRequest): Encryption | undefined;
  /** Throws DiskwrightError `invalid-option` for the first problem, `out-of-range` for a limit. */
  layout(request: CreateRequest): ImageLayout;
  /** qemu-img measure's estimate, in bytes. */
  estimate(request: CreateRequest): Estimate;
  /** What the person gets, in readings and facts. */
  forecast(request: CreateRequest): Forecast;
}

/** What is asked for where a new disk is to be encrypted. */
export interface Encryption {
  readonly kind: Lock['kind'];
  /** The id of the secret, never the secret. */
  readonly secret: string | undefined;
  /** For LUKS, by QEMU's names of the whole-file format: `cipher-alg`, `iter-time`, …; absent: its default. */
  readonly texts: OptionTexts;
}

/** How large an image may become, by QEMU's own estimate. */
export interface Estimate {
  readonly required: bigint;
  readonly fullyAllocated: bigint;
}

/** One line of the sizes card: `L2 cache, full coverage · 4 MiB · QEMU's default 32 MiB covers it`. */
export interface Fact {
  readonly label: string;
  /** A byte count (the page scales it) or a plain text such as a version. */
  readonly bytes?: number;
  readonly text?: string;
  readonly note: string;
}

/** What a request would give, known before anything is written. */
export interface Forecast {
  readonly guestSize: number;
  /** The image as it would be made. */
  readonly now: ImageLayout;
  readonly facts: readonly Fact[];
  /** The layout of the same disk when every cluster of it is in use; absent if it never grows. */
  readonly full?: ImageLayout;
  /** What each choice of an option would cost: qemu option name → choice → its layout. */
  readonly alternatives: Readonly<Record<string, Readonly<Record<string, ImageLayout>>>>;
}
