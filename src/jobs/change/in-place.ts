/**
 * Changes an image the way the command changes it in place: the same settings, the same requests, so that the bytes
 * are those that qemu-img leaves. The device under it is an overlay, and the file that was dropped stays as it is.
 */
import type { OverlayDevice } from '../../engine/device/overlay.ts';
import type { BytesSource } from '../../engine/device/references.ts';
import { DiskwrightError } from '../../engine/errors.ts';
import { type Chain, readGuest } from '../../engine/image/access.ts';
import type { FormatEditor } from '../../engine/image/format.ts';
import type { RepairReport } from '../../engine/image/report.ts';
import type { Moment, OpenSettings, SnapshotControl, Steps, WritableImage } from '../../engine/image/writable.ts';
import { rebaseOnto } from '../rebase.ts';
import type { Amend, ChangeInPlace, Rebase, Resize } from './change.ts';

/** As much of a name as QEMU's tools take. */
const MAX_SNAPSHOT_NAME = 255;
const LARGEST = 2 ** 63;

export interface InPlaceSubject {
  readonly editor: FormatEditor;
  readonly image: OverlayDevice;
  /** The guest's data where the image has it outside. */
  readonly data?: OverlayDevice | undefined;
  /** What the image rests on; absent: nothing, or it is not needed. */
  readonly backing?: Chain | undefined;
  /** What the image fills up around data that is written into nothing: a cluster or subcluster. */
  readonly part: number;
  /** For a safe rebase: what it is to rest on, and how many images of `backing` lie above that if it is one of them. */
  readonly fresh?: Chain | undefined;
  readonly above?: number | undefined;
  /** What opens the image besides: its key. */
  readonly settings?: OpenSettings;
  readonly now: Moment;
  readonly onWarning: (text: string) => void;
}

const refuse = (message: string, fix?: string): never => {
  throw new DiskwrightError('invalid-option', message, fix === undefined ? {} : { fix });
};

/** Settings that the command gives for the same change. */
function settingsOf(change: ChangeInPlace, { onWarning, settings }: InPlaceSubject): OpenSettings {
  const unmap = change.kind.startsWith('snapshot-') || change.kind === 'rebase';
  return { ...settings, onWarning, ...(unmap ? { unmap } : {}) };
}

/** Changes the overlay; leaves the image closed cleanly. Returns the report of a repair. */
export function* changeInPlace(subject: InPlaceSubject, change: ChangeInPlace): Steps<RepairReport | undefined> {
  const { editor, image: device, data, backing } = subject;
  if (change.kind === 'repair') {
    if (!editor.repair) throw new DiskwrightError('unsupported', 'Images of this format cannot be repaired here.');
    return yield* editor.repair(device, change.mode);
  }
  const unsafe = change.kind === 'rebase' && change.mode === 'unsafe';
  const below = unsafe ? undefined : backing;
  const image = editor.openWritable({ image: device, data, backing: below }, settingsOf(change, subject));
  yield* stepsOf(subject, image, change);
  image.close();
  return undefined;
}

function stepsOf(subject: InPlaceSubject, image: WritableImage, change: Exclude<ChangeInPlace, { kind: 'repair' }>) {
  switch (change.kind) {
    case 'resize':
      return resize(image, change);
    case 'amend':
      return amend(image, change);
    case 'rebase':
      return rebase(subject, image, change);
    case 'snapshot-create':
      if (change.name === '') refuse('A snapshot has a name.');
      if (new TextEncoder().encode(change.name).length > MAX_SNAPSHOT_NAME) {
        refuse(`The name of a snapshot has at most ${MAX_SNAPSHOT_NAME} bytes.`);
      }
      return snapshotsOf(image).create(change.name, subject.now);
    default: {
      const snapshots = snapshotsOf(image);
      const { id, name } = change.snapshot;
      const found = snapshots.list().find((one) => one.id === id && one.name === name);
      if (!found) return refuse(`There is no snapshot ${id} of the name "${name}".`);
      return change.kind === 'snapshot-apply' ? snapshots.apply(found) : snapshots.delete(found);
    }
  }
}

function snapshotsOf({ snapshots }: WritableImage): SnapshotControl {
  if (!snapshots) throw new DiskwrightError('unsupported', 'Images of this format have no snapshots.');
  return snapshots;
}

function resize(image: WritableImage, { size, shrink = false, preallocation = 'off' }: Resize): Steps {
  const { virtualSize } = image;
  if (!image.resize) throw new DiskwrightError('unsupported', 'Images of this format keep their size.');
  if (!(size > 0)) refuse(`A disk of ${size} bytes cannot be: it has ${virtualSize} now.`);
  if (size >= LARGEST) refuse('A disk ends below 8 EiB.');
  if (size <= virtualSize && preallocation !== 'off') {
    refuse(`Space is taken in advance only where the disk grows: it has ${virtualSize} bytes now.`);
  }
  if (size < virtualSize && !shrink) {
    refuse(`What lies beyond ${size} bytes would be lost: the disk has ${virtualSize} now.`, 'Allow it to shrink.');
  }
  return image.resize({ size, preallocation });
}

function amend(image: WritableImage, { compat, refcountBits, lazyRefcounts }: Amend): Steps {
  if (!image.amend) throw new DiskwrightError('unsupported', 'Images of this format keep their options.');
  return image.amend({
    ...(compat === undefined ? {} : { compat }),
    ...(refcountBits === undefined ? {} : { refcount_bits: String(refcountBits) }),
    ...(lazyRefcounts === undefined ? {} : { lazy_refcounts: lazyRefcounts ? 'on' : 'off' }),
  });
}

function* rebase(subject: InPlaceSubject, image: WritableImage, { mode, backing }: Rebase): Steps {
  if (!image.nameBacking) throw new DiskwrightError('unsupported', 'Images of this format rest on no other.');
  if (mode === 'safe') {
    const { backing: old, fresh, above } = subject;
    yield* rebaseOnto({ image: lendingImage(image, subject), old, fresh, above });
  }
  image.nameBacking(backing);
}

/** The same image; what is written to it is kept as a reference to the old backing image, from which it comes. */
function lendingImage(image: WritableImage, { image: overlay, data, backing, part }: InPlaceSubject): WritableImage {
  if (!backing) return image;
  const source = guestSource(backing);
  const write: WritableImage['write'] = (at, from) =>
    (data ?? overlay).lending(from, source, at, () => image.write(at, from), part);
  return Object.create(image, { write: { value: write } });
}

/** The disk of a chain as a place that bytes come from; zeros behind its end. */
export function guestSource(chain: Chain): BytesSource & { readonly chain: Chain } {
  return {
    chain,
    read(at, into) {
      const there = Math.max(0, Math.min(into.length, chain[0].virtualSize - at));
      into.fill(0, there);
      if (there > 0) readGuest(chain, at, into.subarray(0, there));
    },
  };
}
