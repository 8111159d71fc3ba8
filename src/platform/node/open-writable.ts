/**
 * Opens an image to change it: the image and its data file for reading and writing, what it rests on for reading
 * only. Everything is open, and every refusal has been made, before the engine writes its first byte.
 *
 * A name inside the image is hostile input here more than anywhere: a data file is a regular file that is no other
 * part of the image, and one outside the image's folder is written only where the person allows it.
 */
import { closeSync, constants, fstatSync, openSync, type Stats, statSync } from 'node:fs';
import { DiskwrightError } from '../../engine/errors.ts';
import { findFormat } from '../../engine/formats/index.ts';
import type { Chain } from '../../engine/image/access.ts';
import type { BackingReference, FormatDriver, FormatEditor } from '../../engine/image/format.ts';
import type { OpenSettings, WritableImage } from '../../engine/image/writable.ts';
import { driverFor, identityOf, outside, refuseKind } from './backing-chain.ts';
import { NodeFileDevice } from './file-device.ts';
import { onHost } from './host-error.ts';
import { locksAreListed, refuseIfInUse } from './image-lock.ts';
import { locate, plainPath } from './image-name.ts';
import {
  backingOf,
  type ImageFile,
  type Layer,
  named,
  type OpenOptions,
  openBelow,
  openLayer,
  refuseExternal,
} from './open-images.ts';
import { guardFirstSector, PROBED_RAW } from './probed-raw.ts';
import { type ImageReference, saidOf, unlockImage } from './unlock-image.ts';

/** How an image is opened for writing, and what may be touched. */
export interface WritableOptions extends Omit<OpenOptions, 'share'> {
  /** Write a data file that is outside the image's folder. */
  readonly allowOutside?: boolean;
  /** What the open image is told: settings by QEMU's names, whether it is opened to be repaired. */
  readonly settings?: OpenSettings;
  /** Leave what the image rests on closed: for work that reads no guest data. */
  readonly withoutBacking?: boolean;
  /** Leave the data file closed: for work on the tables alone. */
  readonly withoutData?: boolean;
}

/** An image that is open for writing, with everything that it rests on. */
export interface OpenedWritable {
  readonly name: string;
  readonly format: string;
  readonly driver: FormatDriver;
  readonly image: WritableImage;
  /** What reads go through: the image first. */
  readonly chain: Chain;
  readonly device: NodeFileDevice;
  readonly stat: Stats;
  /** What the image rests on, the nearest first. */
  readonly below: readonly Layer[];
  /** Leaves the image closed cleanly, and closes every file whatever happens. */
  close(): void;
}

const FIX = 'Give another format, or none: then it is recognised.';

interface OpenFile {
  readonly device: NodeFileDevice;
  readonly stat: Stats;
}

/** `typed`: the person named it, so it may be a block device. */
export function openForWriting(name: string, cwd: string, typed: boolean, role: string): OpenFile {
  const path = locate(cwd, plainPath(name));
  const doing = `open the ${role} for writing`;
  // Looked at before it is opened: opening a pipe or a tape does something.
  refuseKind(
    name,
    onHost(name, doing, () => statSync(path)),
    typed,
    role,
  );
  const fd = onHost(name, doing, () => openSync(path, constants.O_RDWR | constants.O_NONBLOCK));
  try {
    const stat = fstatSync(fd);
    refuseKind(name, stat, typed, role);
    refuseIfInUse(name, fd, 'write');
    return { device: new NodeFileDevice(fd, name), stat };
  } catch (thrown) {
    closeSync(fd);
    throw thrown;
  }
}

function refuseUnknown(name: string, format: string | undefined): void {
  if (format === undefined || findFormat(format) || format === 'file' || format === 'host_device') return;
  throw new DiskwrightError('unsupported', `${name}: images of the format "${format}" cannot be opened here`, {
    fix: FIX,
  });
}

/** The file with the guest's data, named inside the image; its name is relative to the current folder. */
export function openDataFile(
  image: ImageFile,
  others: readonly ImageFile[],
  options: WritableOptions,
): NodeFileDevice | undefined {
  const name = named(image.name, () => image.driver.dataFile?.(image.device));
  if (name === undefined || options.withoutData) return undefined;
  if (!options.allowOutside && outside(image.name, name, options.cwd)) {
    throw new DiskwrightError('unsupported', `${image.name} names the data file ${name}, which is outside its folder`, {
      fix: 'If it is to be written: --allow-outside.',
    });
  }
  refuseExternal(image.name, name, options, 'data file');
  const { device, stat } = openForWriting(name, options.cwd, false, 'data file');
  const same = [image, ...others].find((one) => identityOf(one.stat) === identityOf(stat));
  if (!same) return device;
  device.close();
  throw new DiskwrightError(
    'corrupt',
    `${image.name}: its data file ${name} is ${same.name}, which it would overwrite`,
  );
}

async function openAllBelow(
  top: ImageFile,
  reference: ImageReference,
  opened: { close(): void }[],
  options: WritableOptions,
): Promise<Layer[]> {
  const files = [top];
  const layers: Layer[] = [];
  for (let below = options.withoutBacking ? undefined : backingOf(top); below; ) {
    const file = await openBelow(files, below, options);
    opened.push(file.device);
    files.push(file);
    layers.push(await openLayer(file, opened, options, saidOf(reference, layers.length + 1)));
    below = backingOf(file);
  }
  return layers;
}

/** What changes images of the file's format. */
export async function editorOf(file: ImageFile): Promise<FormatEditor> {
  const editor = await file.driver.editor?.();
  if (editor) return editor;
  throw new DiskwrightError(
    'unsupported',
    `${file.name}: images of the format ${file.format} cannot be written so far`,
  );
}

/** An image file opened read-write; nothing but its magic has been looked at. */
export interface WritableFile extends ImageFile {
  readonly device: NodeFileDevice;
}

/** Opens the file alone, to repair its own structures; nothing that it names is opened. */
export async function openWritableFile(reference: BackingReference, options: WritableOptions): Promise<WritableFile> {
  const { name, format: wanted } = reference;
  refuseUnknown(name, wanted);
  warnWithoutLocks(name, options);
  const { device, stat } = openForWriting(name, options.cwd, true, 'image');
  try {
    return { name, ...(await driverFor(name, wanted, device, stat, FIX)), device, stat };
  } catch (thrown) {
    device.close();
    throw thrown;
  }
}

function warnWithoutLocks(name: string, { onWarning }: WritableOptions): void {
  if (locksAreListed()) return;
  onWarning?.(`${name}: whether another program has it open cannot be told on this host`);
}

/** Opens an image read-write, on everything that it rests on. */
export async function openWritableImage(reference: ImageReference, options: WritableOptions): Promise<OpenedWritable> {
  const { name } = reference;
  const opened: { close(): void }[] = [];
  const closeFiles = (): void => {
    for (const one of opened.splice(0)) one.close();
  };
  try {
    const file = await openWritableFile(reference, options);
    opened.push(file.device);
    const below = await openAllBelow(file, reference, opened, options);
    const data = openDataFile(file, below, options);
    if (data) opened.push(data);
    const editor = await editorOf(file);
    const cipher = await unlockImage(file, saidOf(reference, 0), options);
    const [nearest, ...rest] = below.map((layer) => layer.image);
    const backing: Chain | undefined = nearest && [nearest, ...rest];
    const settings: OpenSettings = {
      ...(options.onWarning ? { onWarning: options.onWarning } : {}),
      ...options.settings,
      cipher,
    };
    const opening = named(name, () => editor.openWritable({ image: file.device, data, backing }, settings));
    const probed = reference.format === undefined && file.format === 'raw';
    const image = probed ? await guardFirstSector(opening) : opening;
    if (probed) options.onWarning?.(`${name}: ${PROBED_RAW}`);
    const close = (): void => {
      if (opened.length === 0) return;
      try {
        named(name, () => image.close());
      } finally {
        closeFiles();
      }
    };
    return { ...file, image, chain: [image, ...(backing ?? [])], below, close };
  } catch (thrown) {
    closeFiles();
    throw thrown;
  }
}

/**
 * Opens an image, lets `body` change it, and closes it cleanly whatever happens. Of two failures the first is told.
 */
export async function withWritableImage<Result>(
  reference: ImageReference,
  options: WritableOptions,
  body: (opened: OpenedWritable) => Promise<Result> | Result,
): Promise<Result> {
  const opened = await openWritableImage(reference, options);
  let result: Result;
  try {
    result = await body(opened);
  } catch (thrown) {
    try {
      opened.close();
    } catch {
      // What went wrong first is what is told.
    }
    throw thrown;
  }
  opened.close();
  return result;
}
