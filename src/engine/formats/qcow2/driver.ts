/** The qcow2 driver: what the registry loads when an image is to be made or looked at. */
import type { ReadableDevice } from '../../device/device.ts';
import { DiskwrightError } from '../../errors.ts';
import type { FormatDriver } from '../../image/format.ts';
import { checkImage } from './check/check.ts';
import { CryptMethod } from './encryption/disk-cipher.ts';
import { encryptionWish } from './encryption/wish.ts';
import { estimateOf } from './estimate.ts';
import { backingOf, extensionsOf } from './extensions.ts';
import { forecastOf } from './forecast.ts';
import { QCOW2_MAGIC } from './header.ts';
import { openImage } from './image.ts';
import { imageLayoutOf } from './image-layout.ts';
import { describeImage } from './info.ts';
import { openHeader, virtualSizeOf } from './open-header.ts';
import { parametersOf } from './parameters.ts';
import { dataFileName, luksPlace } from './validate.ts';

function probe(device: ReadableDevice): string | undefined {
  const head = new Uint8Array(8);
  device.read(0, head);
  const view = new DataView(head.buffer);
  const version = view.getUint32(4);
  // Version 1 is another format with the same magic: qcow.
  if (view.getUint32(0) !== QCOW2_MAGIC || version < 2) return undefined;
  return `"QFI\\xfb" at 0, version ${version}`;
}

export const qcow2Driver: FormatDriver = {
  probe,
  virtualSize: virtualSizeOf,
  backing(device) {
    const header = openHeader(device);
    return backingOf(device, header, extensionsOf(device, header));
  },
  dataFile(device) {
    const header = openHeader(device);
    const name = dataFileName(header, extensionsOf(device, header));
    if (name === '') throw new DiskwrightError('unsupported', 'qcow2: the image has a data file but does not name it.');
    return name;
  },
  lock(device) {
    const header = openHeader(device);
    const place = luksPlace(header, extensionsOf(device, header));
    if (place) return { kind: 'luks', at: place.offset, length: place.length };
    return header.cryptMethod === CryptMethod.aes ? { kind: 'aes' } : undefined;
  },
  describe: describeImage,
  open: openImage,
  editor: () => import('./editor.ts').then((module) => module.qcow2Editor),
  explorer: () => import('./explorer.ts').then((module) => module.qcow2Explorer),
  check: checkImage,
  create: {
    encryption: ({ texts }) => encryptionWish(texts),
    layout: ({ texts, luksHeader }) => imageLayoutOf(parametersOf(texts), luksHeader),
    estimate: ({ texts }) => estimateOf(texts),
    forecast: ({ texts }) => forecastOf(parametersOf(texts)),
  },
};
