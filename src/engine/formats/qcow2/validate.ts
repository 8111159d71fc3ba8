/**
 * What opening checks behind the header: the extensions, the data file, the bitmap directory (contract:
 * qcow2-format.md §10, steps 24 to 30, as far as they concern an image that is only looked at).
 */

import { decodeUtf8 } from '../../bytes/text.ts';
import { getU64 } from '../../bytes/u64.ts';
import type { ReadableDevice } from '../../device/device.ts';
import { DiskwrightError } from '../../errors.ts';
import { type BitmapDirectory, readBitmaps } from './bitmaps.ts';
import type { Extension } from './extensions.ts';
import { Autoclear, Incompatible } from './features.ts';
import { ExtensionType } from './header.ts';
import type { ImageHeader } from './image-header.ts';

const LUKS = 2;

const corrupt = (message: string): DiskwrightError => new DiskwrightError('corrupt', `qcow2: ${message}.`);

const find = (extensions: readonly Extension[], type: number): Extension | undefined =>
  extensions.findLast((one) => one.type === type);

export const isExternal = (header: ImageHeader): boolean =>
  (header.incompatible & Incompatible.externalDataFile) !== 0n;

/** Name of the external data file, as stored; an empty text where the header has none. */
export function dataFileName(header: ImageHeader, extensions: readonly Extension[]): string | undefined {
  if (!isExternal(header)) return undefined;
  const extension = find(extensions, ExtensionType.dataFile);
  return extension ? decodeUtf8(extension.data) : '';
}

/** Where the LUKS header lies in the file. Throws where the header and its extension disagree. */
export function luksPlace(
  header: ImageHeader,
  extensions: readonly Extension[],
): { readonly offset: number; readonly length: number } | undefined {
  const extension = find(extensions, ExtensionType.crypto);
  if (!extension) {
    if (header.cryptMethod === LUKS) throw corrupt('encrypted with LUKS, but no extension says where its header is');
    return undefined;
  }
  if (header.cryptMethod !== LUKS) throw corrupt('a LUKS header, but the image is not encrypted with LUKS');
  if (extension.data.length !== 16)
    throw corrupt(`the encryption extension has ${extension.data.length} bytes, not 16`);
  const view = new DataView(extension.data.buffer, extension.data.byteOffset, 16);
  const offset = getU64(view, 0);
  if (offset % header.clusterSize !== 0)
    throw corrupt(`the LUKS header is at ${offset}, not at the start of a cluster`);
  return { offset, length: getU64(view, 8) };
}

/** The bitmaps, unless a program that does not know them has changed the image since. */
export function bitmapsOf(
  device: ReadableDevice,
  header: ImageHeader,
  extensions: readonly Extension[],
): BitmapDirectory | undefined {
  const extension = find(extensions, ExtensionType.bitmaps);
  if (!extension || (header.autoclear & Autoclear.bitmaps) === 0n) return undefined;
  return readBitmaps(device, extension.data, header.clusterSize);
}

/** Throws for an image that opening refuses although its header is sound. */
export function validateForReading(
  device: ReadableDevice,
  header: ImageHeader,
  extensions: readonly Extension[],
): void {
  luksPlace(header, extensions);
  if ((header.autoclear & Autoclear.rawExternalData) !== 0n && !isExternal(header)) {
    throw corrupt('its data file is said to be raw, but it has none');
  }
  bitmapsOf(device, header, extensions);
}
