/**
 * Header extensions: type, length, data padded to 8 bytes (contract: qcow2-format.md §3). The walk ends at
 * type 0 or at its limit: the backing file name, else the end of cluster 0.
 */
import { roundUp } from '../../bytes/math.ts';
import { decodeUtf8 } from '../../bytes/text.ts';
import type { ReadableDevice } from '../../device/device.ts';
import { DiskwrightError } from '../../errors.ts';
import type { BackingReference } from '../../image/format.ts';
import { readBytes } from '../../image/recognise.ts';
import { type FeatureName, parseFeatureNames } from './features.ts';
import { ExtensionType, extensionHead } from './header.ts';
import type { ImageHeader } from './image-header.ts';

export interface Extension {
  readonly type: number;
  /** Where its data begins in the file. */
  readonly at: number;
  readonly data: Uint8Array;
}

const END = 0;
/** Format names are at most 15 bytes. */
const MAX_FORMAT_NAME = 15;

const tooLong = (at: number): DiskwrightError =>
  new DiskwrightError('corrupt', `qcow2 header extension at ${at}: it is longer than its place.`);

/** Extensions in disk order. Throws `corrupt` where one leaves the place between header and limit. */
export function* walkExtensions(device: ReadableDevice, from: number, limit: number): Generator<Extension> {
  for (let at = from; at < limit; ) {
    if (at + extensionHead.size > limit) throw tooLong(at);
    const { type, length } = extensionHead.read(readBytes(device, at, extensionHead.size));
    const data = at + extensionHead.size;
    // QEMU minds the length of the end marker as well.
    if (data + length > limit) throw tooLong(at);
    if (type === END) return;
    if (type === ExtensionType.backingFormat && length > MAX_FORMAT_NAME) throw tooLong(at);
    yield { type, at: data, data: readBytes(device, data, length) };
    at = data + roundUp(length, 8);
  }
}

/** All extensions of a validated header. */
export function extensionsOf(device: ReadableDevice, header: ImageHeader): readonly Extension[] {
  const limit = header.backingName.offset || header.clusterSize;
  return [...walkExtensions(device, header.headerLength, limit)];
}

/** The names of feature bits, for a header that is about to be refused; a broken walk gives none. */
export function readFeatureNames(
  device: ReadableDevice,
  header: { readonly headerLength: number; readonly backingFileOffset: number; readonly clusterBits: number },
): readonly FeatureName[] {
  const limit = header.backingFileOffset || 2 ** header.clusterBits;
  try {
    for (const { type, data } of walkExtensions(device, header.headerLength, limit)) {
      if (type === ExtensionType.featureNames) return parseFeatureNames(data);
    }
  } catch (error) {
    if (!(error instanceof DiskwrightError)) throw error;
  }
  return [];
}

/** The backing file that the header names, and the format stored beside it. */
export function backingOf(
  device: ReadableDevice,
  header: ImageHeader,
  extensions: readonly Extension[],
): BackingReference | undefined {
  const { offset, length } = header.backingName;
  if (offset === 0) return undefined;
  const name = decodeUtf8(readBytes(device, offset, length));
  const format = extensions.find((one) => one.type === ExtensionType.backingFormat);
  return format === undefined ? { name } : { name, format: decodeUtf8(format.data) };
}
