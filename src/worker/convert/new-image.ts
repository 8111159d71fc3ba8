/** What a conversion makes: the layout of the new image, and what cannot be made here, refused before anything is. */
import type { SectorCipher } from '../../engine/crypto/sector-cipher.ts';
import type { ReadableDevice } from '../../engine/device/device.ts';
import { DiskwrightError } from '../../engine/errors.ts';
import { findFormat } from '../../engine/formats/index.ts';
import type { Estimate, FormatDriver, FormatSpec } from '../../engine/image/format.ts';
import type { ImageLayout } from '../../engine/image/layout.ts';
import type { OptionTexts } from '../../engine/options/declare.ts';
import { savedName } from '../../platform/browser/deliver/saved-name.ts';
import { cipherFor, luksHeaderFor } from '../luks-header.ts';
import type { ConvertOrder } from './protocol.ts';

export interface NewImage {
  readonly spec: FormatSpec;
  readonly driver: FormatDriver;
  readonly layout: ImageLayout;
  readonly estimate: Estimate;
  /** The guest's data lies in a file of its own, of this name. */
  readonly dataName: string | undefined;
  /** Where nothing is written it reads as zeros: not so where clusters that are there already are encrypted. */
  readonly startsAsZeros: boolean;
  /** What the laid out image is filled through; undefined: it is not encrypted. */
  readonly unlock: (device: ReadableDevice, signal: AbortSignal) => Promise<SectorCipher | undefined>;
}

function refuse(message: string, option?: string, fix?: string): never {
  throw new DiskwrightError('invalid-option', message, {
    ...(option === undefined ? {} : { option }),
    ...(fix === undefined ? {} : { fix }),
  });
}

function refuseCompressed(format: string, texts: OptionTexts): void {
  if (format === 'raw') refuse('A raw image is the bytes of the disk: nothing in it is compressed.');
  if ((texts.preallocation ?? 'off') !== 'off') {
    refuse('Compressed clusters take no space in advance.', 'preallocation', 'Choose preallocation=off.');
  }
  if (texts.data_file !== undefined)
    refuse('A data file is the bytes of the disk: nothing in it is compressed.', 'data_file');
  if (texts['encrypt.format'] !== undefined || texts.encryption === 'on') refuse('Encrypted data does not shrink.');
  if (texts.compression_type === 'zstd') {
    const why =
      'zstd cannot be written in a browser: the only sound encoders for it are WebAssembly, which has no place here.';
    refuse(why, 'compression_type', 'Choose zlib, or use the diskwright command with Node 22.15 or later.');
  }
}

/** Throws for the first problem of the order. `signal`: it is to be made, not only planned, so its keys are made. */
export async function newImageOf(order: ConvertOrder, virtualSize: number, signal?: AbortSignal): Promise<NewImage> {
  const spec = findFormat(order.format);
  const driver = await spec?.load();
  if (!spec || !driver?.create || !driver.editor) {
    throw new DiskwrightError('unsupported', `Images of format "${order.format}" cannot be made here.`);
  }
  if (order.compress) refuseCompressed(order.format, order.texts);
  if (order.format === 'luks') {
    throw new DiskwrightError('unsupported', 'A conversion in the page makes no bare LUKS image.', {
      fix: 'Choose qcow2 with encryption, or use the diskwright command.',
    });
  }
  const texts: OptionTexts = { ...order.texts, size: String(virtualSize) };
  const wanted = { format: order.format, texts, passphrase: order.passphrase };
  const luksHeader = signal && (await luksHeaderFor(wanted, driver.create, signal));
  const layout = driver.create.layout({ texts, luksHeader });
  const estimate = driver.create.estimate({ texts });
  const dataName = layout.dataFile && (savedName(layout.dataFile.name) || 'data.raw');
  const unlock: NewImage['unlock'] = (device, until) => cipherFor(wanted, driver, device, until);
  const encrypted = driver.create.encryption?.({ texts }) !== undefined;
  const startsAsZeros = !encrypted || (texts.preallocation ?? 'off') === 'off';
  return { spec, driver, layout, estimate, dataName, startsAsZeros, unlock };
}
