/** What a qcow2 image says about itself: features, snapshots, bitmaps, encryption, data file. */
import { LUKS_HEADER_BYTES, readLuksHeader } from '../../crypto/luks/header.ts';
import type { ReadableDevice } from '../../device/device.ts';
import { DiskwrightError } from '../../errors.ts';
import type { Facts, ImageDescription } from '../../image/description.ts';
import { luksFacts } from '../../image/luks-facts.ts';
import { readBytes } from '../../image/recognise.ts';
import { backingOf, type Extension, extensionsOf } from './extensions.ts';
import { Autoclear, Compatible, Incompatible } from './features.ts';
import type { ImageHeader } from './image-header.ts';
import { openHeader } from './open-header.ts';
import { readSnapshots } from './snapshots.ts';
import { bitmapsOf, dataFileName, isExternal, luksPlace, validateForReading } from './validate.ts';

const BITMAP_FLAGS = ['in-use', 'auto'];

function bitmapFacts(device: ReadableDevice, header: ImageHeader, extensions: readonly Extension[]): Facts {
  const directory = bitmapsOf(device, header, extensions);
  if (!directory) return {};
  const bitmaps = directory.bitmaps.map(({ name, flags, granularityBits }) => ({
    flags: BITMAP_FLAGS.filter((_, bit) => (flags >> bit) & 1),
    name,
    granularity: 2 ** granularityBits,
  }));
  return { bitmaps };
}

function encryptionFacts(device: ReadableDevice, header: ImageHeader, extensions: readonly Extension[]): Facts {
  if (header.cryptMethod === 0) return {};
  const place = luksPlace(header, extensions);
  if (!place) return { encrypt: { format: 'aes' } };
  return { encrypt: luksFacts(readLuksHeader(readBytes(device, place.offset, LUKS_HEADER_BYTES)), { format: 'luks' }) };
}

function specificFacts(device: ReadableDevice, header: ImageHeader, extensions: readonly Extension[]): Facts {
  const { version, compressionType, refcountBits, incompatible, compatible, autoclear, extendedL2 } = header;
  const common = { 'compression-type': compressionType, 'refcount-bits': refcountBits };
  const encryption = encryptionFacts(device, header, extensions);
  if (version === 2) return { compat: '0.10', ...common, ...encryption };
  const dataFile = dataFileName(header, extensions);
  return {
    compat: '1.1',
    ...common,
    'lazy-refcounts': (compatible & Compatible.lazyRefcounts) !== 0n,
    ...bitmapFacts(device, header, extensions),
    ...encryption,
    ...(dataFile ? { 'data-file': dataFile } : {}),
    ...(isExternal(header) ? { 'data-file-raw': (autoclear & Autoclear.rawExternalData) !== 0n } : {}),
    corrupt: (incompatible & Incompatible.corrupt) !== 0n,
    'extended-l2': extendedL2,
  };
}

export function describeImage(device: ReadableDevice): ImageDescription {
  const header = openHeader(device);
  const extensions = extensionsOf(device, header);
  validateForReading(device, header, extensions);
  if (dataFileName(header, extensions) === '') {
    throw new DiskwrightError('unsupported', 'qcow2: the image has a data file but does not name it.');
  }
  const backing = backingOf(device, header, extensions);
  return {
    virtualSize: header.virtualSize,
    clusterSize: header.clusterSize,
    encrypted: header.cryptMethod !== 0,
    dirty: (header.incompatible & Incompatible.dirty) !== 0n,
    ...(backing ? { backing } : {}),
    snapshots: readSnapshots(device, header).snapshots,
    specific: { type: 'qcow2', data: specificFacts(device, header, extensions) },
  };
}
