/**
 * The image open for writing, as the generic contract sees it: opening with all its checks, the guest's requests, and
 * what else can be done to it.
 *
 * Nothing here waits, so one request is over before the next begins: requests on the same cluster end as one order of
 * them would, whoever makes them (contract: systems.md row 50).
 */
import { DiskwrightError } from '../../errors.ts';
import type { OpenSettings, WritableDevices, WritableImage } from '../../image/writable.ts';
import { amendImage } from './amend/amend.ts';
import { openBitmaps } from './bitmaps/open-bitmaps.ts';
import { repairDirty } from './check/repair.ts';
import { CompressedClusters } from './compressed.ts';
import { DiskReader } from './disk-reader.ts';
import { wholeSectors, zerosBySectors } from './encryption/whole-sectors.ts';
import { writeLuks } from './encryption/write-luks.ts';
import { extensionsOf } from './extensions.ts';
import { Incompatible } from './features.ts';
import { nameBacking } from './name-backing.ts';
import { openHeader } from './open-header.ts';
import { resizeImage } from './resize/resize.ts';
import { Snapshots } from './snapshots/snapshot-control.ts';
import { ImageState } from './state.ts';
import { validateForReading } from './validate.ts';
import { checkCompressible, writePacked } from './write/compressed-write.ts';
import { discardGuest } from './write/discard.ts';
import { makeEmpty } from './write/make-empty.ts';
import { OldContent } from './write/old-content.ts';
import { writeGuest } from './write/write.ts';
import { zeroGuest } from './write/zeroize.ts';

/** Opens the state with the checks of qcow2-format.md §10, and does what a writable open has to do first. */
export function openState(devices: WritableDevices, settings: OpenSettings = {}): ImageState {
  const { image, data } = devices;
  const purpose = settings.repair ? 'repair' : 'write';
  let header = openHeader(image, purpose);
  if ((header.incompatible & Incompatible.dirty) !== 0n && !settings.repair) {
    // Its refcounts lag behind: what they call free may be in use.
    const { found } = repairDirty(image);
    const rest = found.corruptions > 0 ? '; damage is left that no repair mends' : '; it has been repaired';
    settings.onWarning?.(`the image was not closed cleanly${rest}`);
    header = openHeader(image, purpose);
  }
  const extensions = extensionsOf(image, header);
  validateForReading(image, header, extensions);
  if ((header.incompatible & Incompatible.externalDataFile) !== 0n && !data) {
    throw new DiskwrightError('io', "qcow2: the image's data file is not open.");
  }
  const state = new ImageState(devices, header, extensions, settings);
  openBitmaps(state, extensions);
  return state;
}

export function openWritable(devices: WritableDevices, settings: OpenSettings = {}): WritableImage {
  return writableOf(openState(devices, settings));
}

export function writableOf(state: ImageState): WritableImage {
  const compressed = new CompressedClusters(state.image, state.header);
  const reader = new DiskReader(state.locator, compressed, state.header.clusterSize, state.cipher);
  const inside = (at: number, length: number): void => {
    state.assertUsable();
    const { virtualSize } = state.header;
    if (at >= 0 && length >= 0 && at + length <= virtualSize) return;
    throw new DiskwrightError(
      'out-of-range',
      `bytes ${at} to ${at + length} are not all on the disk of ${virtualSize}`,
    );
  };
  /** Before the guest changes [at, at + length): what was decompressed may be gone, bitmaps record it. */
  const changing = (at: number, length: number): void => {
    inside(at, length);
    compressed.forget();
    if (length > 0) state.onGuestWrite?.(at, length);
  };
  const compressing: Pick<WritableImage, 'compression' | 'compressedUnit' | 'writeCompressed'> = {
    compression: state.header.compressionType,
    compressedUnit: state.header.clusterSize,
    writeCompressed(at, from, packed) {
      inside(at, from.length);
      checkCompressible(state, at, from.length);
      changing(at, from.length);
      if (packed && packed.length < state.header.clusterSize) writePacked(state, at, packed);
      else writeGuest(state, old, at, from);
    },
  };
  const image: WritableImage = {
    get virtualSize() {
      return state.header.virtualSize;
    },
    locate: (at, length) => reader.locate(at, length),
    decode: (at, into) => reader.decode(at, into),
    write(at, from) {
      inside(at, from.length);
      const whole = state.cipher ? wholeSectors(old, at, from) : { at, bytes: from };
      changing(whole.at, whole.bytes.length);
      writeGuest(state, old, whole.at, whole.bytes);
    },
    zero(at, length, unmap = false) {
      inside(at, length);
      for (const part of state.cipher ? zerosBySectors(old, at, length) : [{ at, length }]) {
        changing(part.at, part.length);
        if ('bytes' in part) writeGuest(state, old, part.at, part.bytes);
        else zeroGuest(state, old, part.at, part.length, unmap);
      }
    },
    discard(at, length) {
      changing(at, length);
      discardGuest(state, at, length);
    },
    ...(state.cipher ? {} : compressing),
    ...(state.contents.crypto ? { writeLuks: (patches) => writeLuks(state, patches) } : {}),
    *resize(request) {
      compressed.forget();
      yield* resizeImage(state, old, request);
    },
    *amend(texts) {
      compressed.forget();
      yield* amendImage(state, old, texts);
    },
    nameBacking: (backing) => nameBacking(state, backing),
    *makeEmpty() {
      compressed.forget();
      yield* makeEmpty(state);
    },
    snapshots: {
      list: () => snapshots.list(),
      create: (name, date) => snapshots.create(name, date),
      *apply(which) {
        compressed.forget();
        yield* snapshots.apply(which);
      },
      delete: (which) => snapshots.delete(which),
    },
    ...(state.bitmaps ? { bitmaps: state.bitmaps } : {}),
    flush: () => state.flush(),
    close: () => state.close(),
  };
  const old = new OldContent(state, image);
  const snapshots = new Snapshots(state, (size) => resizeImage(state, old, { size, preallocation: 'off' }));
  return image;
}
