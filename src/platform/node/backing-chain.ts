/**
 * Opens a backing image and everything below it, as far as qemu-img create insists on it: each image of the
 * chain must be there, be of the format it is said to be, and have a sound header. No guest data is read and
 * data files are not looked for (both as in QEMU 7.2).
 *
 * Only regular files are opened, and block devices where the person named one. Names inside images are
 * hostile input: no pipes, no protocols, no json:, no circles, at most 200 images.
 */
import { closeSync, constants, fstatSync, openSync, realpathSync, type Stats, statSync } from 'node:fs';
import { dirname, relative } from 'node:path';
import type { ReadableDevice } from '../../engine/device/device.ts';
import { DiskwrightError } from '../../engine/errors.ts';
import { findFormat, formats } from '../../engine/formats/index.ts';
import type { BackingReference, FormatDriver } from '../../engine/image/format.ts';
import { NodeReadDevice } from './file-device.ts';
import { onHost } from './host-error.ts';
import { locate, plainPath, relativeToImage } from './image-name.ts';

export const MAX_CHAIN = 200;

/** Names by which QEMU calls plain bytes when it is told the driver underneath. */
const PLAIN: Readonly<Record<string, (stat: Stats) => boolean>> = {
  file: (stat) => stat.isFile(),
  host_device: (stat) => stat.isBlockDevice(),
};

export interface OpenedImage {
  readonly name: string;
  /** Device and inode, so that the same file is known under another name. */
  readonly identity: string;
  readonly format: string;
  readonly size: number;
}

export const identityOf = (stat: Stats): string => `${stat.dev}:${stat.ino}`;

interface ChainOptions {
  readonly cwd: string;
  readonly onWarning: (text: string) => void;
}

/** `role`: what the file is, for messages. */
export function openForReading(
  name: string,
  cwd: string,
  mayBeDevice: boolean,
  role = 'backing image',
): { device: NodeReadDevice; stat: Stats } {
  const path = locate(cwd, plainPath(name));
  // Looked at before it is opened: opening a pipe or a tape does something.
  const doing = `open the ${role}`;
  refuseKind(
    name,
    onHost(name, doing, () => statSync(path)),
    mayBeDevice,
    role,
  );
  const fd = onHost(name, doing, () => openSync(path, constants.O_RDONLY | constants.O_NONBLOCK));
  try {
    const stat = fstatSync(fd);
    refuseKind(name, stat, mayBeDevice, role);
    return { device: new NodeReadDevice(fd, name), stat };
  } catch (thrown) {
    closeSync(fd);
    throw thrown;
  }
}

export function refuseKind(name: string, stat: Stats, mayBeDevice: boolean, role: string): void {
  if (stat.isFile() || (mayBeDevice && stat.isBlockDevice())) return;
  const allowed = mayBeDevice ? 'only regular files and block devices' : 'only regular files';
  throw new DiskwrightError(
    'unsupported',
    `${name}: cannot be a${/^[aeiou]/.test(role) ? 'n' : ''} ${role}: ${allowed} are opened`,
  );
}

/** The driver of a named format, or the one whose magic the file has. */
export async function driverFor(
  name: string,
  format: string | undefined,
  device: ReadableDevice,
  stat: Stats,
  fix = 'Give the format with -F, or create without opening the backing image: -u.',
): Promise<{ format: string; driver: FormatDriver }> {
  if (format === undefined) return await probe(name, device);
  const plain = PLAIN[format]?.(stat);
  const spec = findFormat(plain ? 'raw' : format);
  if (!spec) {
    throw new DiskwrightError('unsupported', `${name}: images of the format "${format}" cannot be opened here`, {
      fix,
    });
  }
  return { format, driver: await spec.load() };
}

async function probe(name: string, device: ReadableDevice): Promise<{ format: string; driver: FormatDriver }> {
  for (const spec of formats) {
    const driver = await spec.load();
    if (driver.probe(device, name) !== undefined) return { format: spec.name, driver };
  }
  throw new DiskwrightError('not-this-format', `${name}: its format is not known`);
}

async function openOne(reference: BackingReference, typed: boolean, { cwd }: ChainOptions) {
  const { name, format } = reference;
  const { device, stat } = openForReading(name, cwd, typed);
  try {
    const found = await driverFor(name, format, device, stat);
    const size = found.driver.virtualSize(device);
    const below = found.driver.backing?.(device);
    return { image: { name, identity: identityOf(stat), format: found.format, size }, below };
  } catch (thrown) {
    if (!(thrown instanceof DiskwrightError) || thrown.message.startsWith(`${name}: `)) throw thrown;
    throw new DiskwrightError(thrown.kind, `${name}: ${thrown.message}`, { cause: thrown });
  } finally {
    device.close();
  }
}

/** `name` really lies in another folder than `image` and in none below it. */
export function outside(image: string, name: string, cwd: string): boolean {
  try {
    const home = realpathSync(dirname(locate(cwd, plainPath(image))));
    return relative(home, realpathSync(locate(cwd, plainPath(name)))).startsWith('..');
  } catch {
    // What is not there is reported when it is opened.
    return false;
  }
}

/** The backing image of `newImage` first, the bottom of the chain last. */
export async function openBackingChain(
  newImage: string,
  backing: BackingReference,
  options: ChainOptions,
): Promise<readonly [OpenedImage, ...OpenedImage[]]> {
  // There is no folder to count from; qemu-img refuses this before its summary line, too.
  if (newImage === '' && !backing.name.startsWith('/')) {
    throw new DiskwrightError('io', `"": the name of a file is empty, so ${backing.name} counts from nowhere`);
  }
  const first = await openOne({ ...backing, name: relativeToImage(newImage, backing.name) }, true, options);
  const chain: [OpenedImage, ...OpenedImage[]] = [first.image];
  for (let { image, below } = first; below; ) {
    if (below.name === '') break;
    const name = relativeToImage(image.name, below.name);
    if (chain.length >= MAX_CHAIN) {
      throw new DiskwrightError('unsupported', `${name}: more than ${MAX_CHAIN} images rest on each other`);
    }
    if (outside(image.name, name, options.cwd)) {
      options.onWarning(`${image.name} rests on ${name}, which is outside its folder`);
    }
    const next = await openOne({ ...below, name }, false, options);
    if (chain.some((other) => other.identity === next.image.identity)) {
      throw new DiskwrightError('corrupt', `${name}: the chain of backing files leads in a circle`);
    }
    chain.push(next.image);
    ({ image, below } = next);
  }
  return chain;
}
