/**
 * Converts open disks into a new image, made the way `create` makes one and filled before it gets its name, or into
 * an image that is there. A failure or a signal leaves nothing of a new image, and an existing one sound.
 */
import { statSync } from 'node:fs';
import { roundUp } from '../../engine/bytes/math.ts';
import { DiskwrightError } from '../../engine/errors.ts';
import type { Chain } from '../../engine/image/access.ts';
import type { BackingReference, FormatSpec } from '../../engine/image/format.ts';
import type { OpenImage } from '../../engine/image/image.ts';
import type { WritableImage } from '../../engine/image/writable.ts';
import { type ConvertRequest, convertDisks } from '../../jobs/convert/convert.ts';
import { CHUNK, SECTOR, type Source } from '../../jobs/convert/stretches.ts';
import type { ZeroTest } from '../../jobs/convert/zero-runs.ts';
import { identityOf } from './backing-chain.ts';
import { buildImage } from './build-image.ts';
import { runConversion } from './convert-steps.ts';
import { DeflatePool } from './deflate-pool.ts';
import { hostCode, hostError } from './host-error.ts';
import { locate, plainPath, relativeToImage } from './image-name.ts';
import { type Layer, named, type OpenedChain, openChain } from './open-images.ts';
import { withWritableImage } from './open-writable.ts';
import type { PreparedImage } from './prepare-image.ts';
import type { PumpOptions } from './pump.ts';
import type { Secrets } from './secrets.ts';
import { type ImageReference, unlockImage } from './unlock-image.ts';
import { WithoutFlushes } from './without-flushes.ts';
import type { LaidOut } from './write-image.ts';

export interface ConvertOptions extends PumpOptions {
  readonly cwd: string;
  readonly compress: boolean;
  /** Threads that compress, at most. */
  readonly threads: number;
  /** Bytes of zeros in a row that are not copied; 0: everything is written. */
  readonly leastZeros: number;
  /** A new image gets its name before it is on the medium. */
  readonly unflushed?: boolean;
  readonly noExternal?: boolean;
  readonly allowOutside?: boolean;
  /** What the new image, and what it rests on, is encrypted with. */
  readonly secrets?: Secrets | undefined;
  readonly onNote?: (text: string) => void;
  readonly onWarning?: (text: string) => void;
}

const ZEROS = Buffer.alloc(CHUNK);
/** One call into the host's memcmp is several times as fast as a loop here. */
const zeroTest: ZeroTest = (bytes, from, to) => ZEROS.compare(bytes, from, to, 0, to - from) === 0;

type Wishes = Pick<ConvertRequest, 'backed' | 'backingSize' | 'targetIsZero'>;

/** What goes wrong in an image is told with its name. */
function namedImage({ name, image }: Layer): OpenImage {
  const { decode } = image;
  return {
    virtualSize: image.virtualSize,
    locate: (at, length) => named(name, () => image.locate(at, length)),
    ...(decode ? { decode: (at, into) => named(name, () => decode(at, into)) } : {}),
  };
}

function sourceOf({ layers: [first, ...below] }: OpenedChain): Source {
  const chain: Chain = [namedImage(first), ...below.map(namedImage)];
  const clusterSizes = [first, ...below].map(({ driver, device }) => driver.describe?.(device).clusterSize);
  return { chain, clusterSizes };
}

const readFiles = (sources: readonly OpenedChain[]): Map<string, string> =>
  new Map(sources.flatMap(({ files }) => [...files].map(([file, name]) => [file, `${name}, which is read`] as const)));

export const sizeOfDisks = (sources: readonly OpenedChain[]): number =>
  sources.reduce((sum, { chain }) => sum + chain[0].virtualSize, 0);

async function copyInto(
  target: WritableImage,
  sources: readonly OpenedChain[],
  wishes: Wishes,
  options: ConvertOptions,
): Promise<void> {
  const { compress, threads, leastZeros } = options;
  const compression = compress ? target.compression : undefined;
  if (compress && !compression) {
    throw new DiskwrightError('unsupported', 'images of this format hold nothing compressed');
  }
  const pool = compression && new DeflatePool(compression, threads);
  try {
    const request: ConvertRequest = {
      ...wishes,
      sources: sources.map(sourceOf),
      target,
      leastZeros,
      zeroTest,
      packing: pool?.depth,
    };
    await runConversion(convertDisks(request), pool, options);
  } finally {
    await pool?.close();
  }
}

async function openBacking(name: string, { texts }: PreparedImage, options: ConvertOptions) {
  const { backing_file: backing, backing_fmt: format } = texts;
  if (backing === undefined) return undefined;
  const reference: BackingReference = {
    name: relativeToImage(name, backing),
    ...(format === undefined ? {} : { format }),
  };
  return await openChain(reference, { cwd: options.cwd, ...(options.noExternal ? { noExternal: true } : {}) });
}

/** A device's old bytes show through where nothing is written, unless the format says itself what is there. */
function startsAsZeros(format: FormatSpec, { texts }: PreparedImage, files: LaidOut, encrypted: boolean): boolean {
  const holdsData = files.data ?? files.image;
  const plain = format.name === 'raw' || format.name === 'luks';
  const mapped = !plain && (texts.preallocation ?? 'off') === 'off';
  // Zeros of the host that are decrypted are noise.
  return mapped || (!encrypted && !holdsData.fixed);
}

async function fillNew(
  name: string,
  format: FormatSpec,
  prepared: PreparedImage,
  sources: readonly OpenedChain[],
  files: LaidOut,
  options: ConvertOptions,
): Promise<void> {
  const driver = await format.load();
  const editor = await driver.editor?.();
  if (!editor) throw new DiskwrightError('unsupported', `images of the format ${format.name} cannot be written so far`);
  const backing = await openBacking(name, prepared, options);
  try {
    const image = new WithoutFlushes(files.image);
    const data = files.data && new WithoutFlushes(files.data);
    const secret = driver.create?.encryption?.({ texts: prepared.texts })?.secret;
    const said = secret === undefined ? {} : { secret };
    const cipher = await unlockImage({ name, driver, device: image }, said, options);
    const settings = { unmap: options.leastZeros > 0, cipher };
    const target = named(name, () => editor.openWritable({ image, data, backing: backing?.chain }, settings));
    const wishes: Wishes = {
      backed: backing !== undefined,
      backingSize: backing?.chain[0].virtualSize,
      targetIsZero: !backing && options.leastZeros > 0 && startsAsZeros(format, prepared, files, cipher !== undefined),
    };
    await copyInto(target, sources, wishes, options);
    named(name, () => target.close());
    // Compressed data ends anywhere; files that end on a sector are easier on those who read by sectors.
    if (options.compress && !files.image.fixed) image.resize(roundUp(image.size, SECTOR));
  } finally {
    backing?.close();
  }
}

/** What is said when a signal ended the work. */
async function whenCancelled<T>(message: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (thrown) {
    if (!(thrown instanceof DiskwrightError) || thrown.kind !== 'cancelled') throw thrown;
    throw new DiskwrightError('cancelled', message, { cause: thrown });
  }
}

/** `prepared`: its size is that of the disks. */
export async function convertIntoNew(
  name: string,
  format: FormatSpec,
  prepared: PreparedImage,
  sources: readonly OpenedChain[],
  options: ConvertOptions,
): Promise<void> {
  const building = buildImage(name, format, prepared, {
    cwd: options.cwd,
    signal: options.signal,
    onNote: options.onNote,
    onWarning: options.onWarning,
    unflushed: options.unflushed,
    secrets: options.secrets,
    inUse: readFiles(sources),
    fill: (files) => fillNew(name, format, prepared, sources, files, options),
  });
  await whenCancelled('cancelled; what was made is removed', building);
}

function refuseRead(name: string, sources: readonly OpenedChain[], cwd: string): void {
  let identity: string;
  try {
    identity = identityOf(statSync(locate(cwd, plainPath(name))));
  } catch (thrown) {
    if (hostCode(thrown) === undefined) throw thrown;
    throw hostError(name, 'open the image for writing', thrown);
  }
  const used = readFiles(sources).get(identity);
  if (used === undefined) return;
  throw new DiskwrightError('invalid-option', `${name}: writing it would destroy ${used}`, {
    fix: 'Name another file.',
  });
}

/** `backed`: what the image rests on has what its source does not. `isZero`: it reads as zeros now. */
export async function convertIntoExisting(
  reference: ImageReference,
  sources: readonly OpenedChain[],
  { backed, isZero }: { readonly backed: boolean; readonly isZero: boolean },
  options: ConvertOptions,
): Promise<void> {
  const { cwd, noExternal = false, allowOutside = false, onWarning, secrets, signal } = options;
  const { name } = reference;
  refuseRead(name, sources, cwd);
  const settings = { unmap: options.leastZeros > 0 };
  const opening = { cwd, noExternal, allowOutside, settings, secrets, signal, ...(onWarning ? { onWarning } : {}) };
  const converting = withWritableImage(reference, opening, async ({ image, chain }) => {
    const needed = sizeOfDisks(sources);
    if (image.virtualSize < needed) {
      const facts = `its disk has ${image.virtualSize} bytes, ${needed} are to be copied`;
      throw new DiskwrightError('no-space', `${name}: the disk is too small: ${facts}`);
    }
    const wishes: Wishes = { backed, backingSize: backed ? chain[1]?.virtualSize : undefined, targetIsZero: isZero };
    await copyInto(image, sources, wishes, options);
  });
  await whenCancelled(`cancelled; ${name} is whole and holds a part of what was to be copied`, converting);
}
