/**
 * Opens images to look at them: one file alone, or with everything that it rests on. All devices are open before
 * the engine reads; who opens also closes.
 *
 * Names inside images are hostile input: they open regular files only, one outside the image's folder is named in
 * a warning, `noExternal` refuses them all, and chains are at most 200 images long and never a circle.
 */
import { fstatSync, type Stats } from 'node:fs';
import { DiskwrightError } from '../../engine/errors.ts';
import { findFormat } from '../../engine/formats/index.ts';
import type { Chain } from '../../engine/image/access.ts';
import type { BackingReference, FormatDriver } from '../../engine/image/format.ts';
import type { OpenImage, SnapshotChoice } from '../../engine/image/image.ts';
import { driverFor, identityOf, MAX_CHAIN, openForReading, outside } from './backing-chain.ts';
import { fastInflate } from './fast-inflate.ts';
import type { NodeReadDevice } from './file-device.ts';
import { refuseIfInUse } from './image-lock.ts';
import { relativeToImage } from './image-name.ts';
import type { Secrets } from './secrets.ts';
import { type EncryptionSaid, type ImageReference, saidOf, unlockImage } from './unlock-image.ts';

/** How images are opened for reading, and what may be opened along with them. */
export interface OpenOptions {
  readonly cwd: string;
  /** Read an image that another program is writing to. */
  readonly share?: boolean;
  /** Open no file that an image names. */
  readonly noExternal?: boolean;
  readonly onWarning?: (text: string) => void;
  /** The disk as a snapshot of the first image of the chain holds it. */
  readonly snapshot?: SnapshotChoice | undefined;
  /** What encrypted disks are unlocked with. */
  readonly secrets?: Secrets | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** An image file with its driver; nothing but its magic has been looked at. */
export interface ImageFile {
  readonly name: string;
  readonly format: string;
  readonly driver: FormatDriver;
  readonly device: NodeReadDevice;
  readonly stat: Stats;
}

/** An image of a chain, ready to be read. */
export interface Layer extends ImageFile {
  readonly image: OpenImage;
}

/** An image that is open with everything that it rests on. Close it when done. */
export interface OpenedChain {
  /** The image itself first, the bottom of the chain last. */
  readonly layers: readonly [Layer, ...Layer[]];
  /** The images alone, to read through. */
  readonly chain: Chain;
  /** Every file that is open, data files too: its identity and its name. */
  readonly files: ReadonlyMap<string, string>;
  close(): void;
}

const FIX = 'Give another format, or none: then it is recognised.';

/** Puts the file's name before a message that does not have it. */
export function named<T>(name: string, call: () => T): T {
  try {
    return call();
  } catch (thrown) {
    if (!(thrown instanceof DiskwrightError) || thrown.message.startsWith(`${name}: `)) throw thrown;
    throw new DiskwrightError(thrown.kind, `${name}: ${thrown.message}`, {
      cause: thrown,
      ...(thrown.fix === undefined ? {} : { fix: thrown.fix }),
    });
  }
}

/** Opens one file. `typed`: the person named it, so it may be a block device. */
export async function openImageFile(
  { name, format }: BackingReference,
  { cwd, share = false }: OpenOptions,
  typed = true,
): Promise<ImageFile> {
  if (format !== undefined && typed && !findFormat(format) && format !== 'file' && format !== 'host_device') {
    throw new DiskwrightError('unsupported', `${name}: images of the format "${format}" cannot be opened here`, {
      fix: FIX,
    });
  }
  const { device, stat } = openForReading(name, cwd, typed, typed ? 'image' : 'backing image');
  try {
    if (!share) refuseIfInUse(name, device.fd, 'read');
    const found = await driverFor(name, format, device, stat, FIX);
    return { name, ...found, device, stat };
  } catch (thrown) {
    device.close();
    throw thrown;
  }
}

export function refuseExternal(image: string, name: string, options: OpenOptions, role: string): void {
  if (options.noExternal) {
    throw new DiskwrightError('unsupported', `${image} names the ${role} ${name}, and --no-external opens none`);
  }
  if (outside(image, name, options.cwd)) options.onWarning?.(`${image} uses ${name}, which is outside its folder`);
}

/** The file with the guest's data; its name is relative to the current folder, as in QEMU 7.2. */
function openDataFile(file: ImageFile, options: OpenOptions): NodeReadDevice | undefined {
  const name = named(file.name, () => file.driver.dataFile?.(file.device));
  if (name === undefined) return undefined;
  refuseExternal(file.name, name, options, 'data file');
  const { device } = openForReading(name, options.cwd, false, 'data file');
  try {
    if (!options.share) refuseIfInUse(name, device.fd, 'read');
    return device;
  } catch (thrown) {
    device.close();
    throw thrown;
  }
}

/** `snapshot`: the disk as that one holds it. */
export async function openLayer(
  file: ImageFile,
  opened: { close(): void }[],
  options: OpenOptions,
  said: EncryptionSaid,
  snapshot?: SnapshotChoice,
): Promise<Layer> {
  if (!file.driver.open) {
    const message = `${file.name}: the data of images of the format ${file.format} cannot be read here so far`;
    throw new DiskwrightError('unsupported', message);
  }
  if (snapshot !== undefined && !named(file.name, () => file.driver.describe?.(file.device).snapshots)) {
    throw new DiskwrightError('unsupported', `${file.name}: images of the format ${file.format} have no snapshots`);
  }
  const data = openDataFile(file, options);
  if (data) opened.push(data);
  const cipher = await unlockImage(file, said, options);
  const settings = { snapshot, inflate: fastInflate, cipher };
  const image = named(file.name, () => file.driver.open?.({ image: file.device, data }, settings));
  return { ...file, image: image as OpenImage };
}

/** The image that `file` rests on, undefined at the bottom. */
export function backingOf(file: ImageFile): BackingReference | undefined {
  const below = named(file.name, () => file.driver.backing?.(file.device));
  if (!below || below.name === '') return undefined;
  return { ...below, name: relativeToImage(file.name, below.name) };
}

/** The next file down the chain; refuses circles and chains without end. */
export async function openBelow(
  files: readonly ImageFile[],
  below: BackingReference,
  options: OpenOptions,
): Promise<ImageFile> {
  const above = files.at(-1)?.name ?? '';
  if (files.length >= MAX_CHAIN) {
    throw new DiskwrightError('unsupported', `${below.name}: more than ${MAX_CHAIN} images rest on each other`);
  }
  refuseExternal(above, below.name, options, 'backing image');
  const file = await openImageFile(below, options, false);
  if (files.some((other) => identityOf(other.stat) === identityOf(file.stat))) {
    file.device.close();
    throw new DiskwrightError('corrupt', `${below.name}: the chain of backing files leads in a circle`);
  }
  return file;
}

/** Opens an image with its data files and everything below it. */
export async function openChain(reference: ImageReference, options: OpenOptions): Promise<OpenedChain> {
  const opened: NodeReadDevice[] = [];
  const close = (): void => {
    for (const device of opened) device.close();
  };
  try {
    const top = await openImageFile(reference, options);
    opened.push(top.device);
    const files: ImageFile[] = [top];
    const layers: [Layer, ...Layer[]] = [await openLayer(top, opened, options, saidOf(reference, 0), options.snapshot)];
    for (let below = backingOf(top); below; ) {
      const file = await openBelow(files, below, options);
      opened.push(file.device);
      files.push(file);
      layers.push(await openLayer(file, opened, options, saidOf(reference, layers.length)));
      below = backingOf(file);
    }
    const [{ image }, ...rest] = layers;
    const identities = new Map(opened.map(({ fd, path }) => [identityOf(fstatSync(fd)), path]));
    return { layers, chain: [image, ...rest.map((layer) => layer.image)], files: identities, close };
  } catch (thrown) {
    close();
    throw thrown;
  }
}
