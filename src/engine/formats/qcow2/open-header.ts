/**
 * Reads and validates the header, in the order of opening: the first failure wins (contract:
 * qcow2-format.md §10, steps 1 to 20). Nothing but the header and its extensions is read, so the same code
 * opens an image and tells a backing file's size.
 */
import { divideUp } from '../../bytes/math.ts';
import type { Values } from '../../bytes/struct.ts';
import type { ReadableDevice } from '../../device/device.ts';
import { DiskwrightError, type ErrorKind } from '../../errors.ts';
import { readBytes } from '../../image/recognise.ts';
import { readFeatureNames } from './extensions.ts';
import { type FeatureName, Incompatible, KNOWN_INCOMPATIBLE } from './features.ts';
import { headerV2, headerV3, QCOW2_MAGIC } from './header.ts';
import type { ImageHeader } from './image-header.ts';
import { MAX_BACKING_NAME, MAX_L1_BYTES, MAX_REFCOUNT_TABLE_BYTES, MAX_SNAPSHOTS } from './limits.ts';

type Fields = Values<typeof headerV3>;

/**
 * What the image is opened for: a check looks at images that reading refuses, a repair does so and writes, and a
 * corrupt image is not written otherwise.
 */
export type OpenPurpose = 'read' | 'check' | 'write' | 'repair';

const looksAtDamage = (purpose: OpenPurpose): boolean => purpose === 'check' || purpose === 'repair';

function insist(condition: boolean, kind: ErrorKind, message: () => string): asserts condition {
  if (!condition) throw new DiskwrightError(kind, `qcow2 header: ${message()}.`);
}

/** Fields as version 3 has them; what version 2 lacks is filled in with what it implies. */
function readFields(device: ReadableDevice): Fields {
  const bytes = readBytes(device, 0, headerV3.size);
  insist(headerV3.get('magic', bytes) === QCOW2_MAGIC, 'not-this-format', () => 'no "QFI\\xfb" at 0');
  const version = headerV3.get('version', bytes);
  insist(version === 2 || version === 3, 'unsupported', () => `version ${version}, known are 2 and 3`);
  const view = new DataView(bytes.buffer);
  if (version === 2) {
    bytes.fill(0, headerV2.size);
    view.setUint32(headerV3.offsets.refcountOrder, 4);
    view.setUint32(headerV3.offsets.headerLength, headerV2.size);
  } else if (headerV3.get('headerLength', bytes) <= headerV3.offsets.compressionType) {
    bytes.fill(0, headerV3.offsets.compressionType);
  }
  return headerV3.read(bytes);
}

function checkShape({ version, clusterBits, headerLength, backingFileOffset }: Fields): void {
  insist(
    clusterBits >= 9 && clusterBits <= 21,
    'unsupported',
    () => `clusters of 2^${clusterBits} bytes, known are 2^9 to 2^21`,
  );
  const clusterSize = 2 ** clusterBits;
  const least = headerV3.offsets.compressionType;
  insist(version === 2 || headerLength >= least, 'corrupt', () => `${headerLength} bytes long, at least ${least}`);
  insist(headerLength <= clusterSize, 'corrupt', () => `${headerLength} bytes long, a cluster has ${clusterSize}`);
  insist(
    backingFileOffset <= clusterSize,
    'corrupt',
    () => `backing file name at ${backingFileOffset}, outside cluster 0`,
  );
}

function nameOf(bit: number, names: readonly FeatureName[]): string {
  const known = names.find((one) => one.kind === 0 && one.bit === bit);
  return known && known.name !== '' ? `"${known.name}"` : `bit ${bit}`;
}

function checkFeatures(fields: Fields, device: ReadableDevice, purpose: OpenPurpose): void {
  const { compressionType, incompatibleFeatures, clusterBits, refcountOrder } = fields;
  insist(compressionType <= 1, 'unsupported', () => `compression type ${compressionType}, known are 0 and 1`);
  const typeBit = (incompatibleFeatures & Incompatible.compressionType) !== 0n;
  insist(typeBit === (compressionType !== 0), 'corrupt', () => 'compression type and its feature bit disagree');
  const unknown = incompatibleFeatures & ~KNOWN_INCOMPATIBLE;
  if (unknown !== 0n) {
    const names = readFeatureNames(device, fields);
    const bits = Array.from({ length: 64 }, (_, bit) => bit).filter((bit) => (unknown >> BigInt(bit)) & 1n);
    const list = bits.map((bit) => nameOf(bit, names)).join(', ');
    throw new DiskwrightError(
      'unsupported',
      `qcow2 header: the image needs features that are not known here: ${list}.`,
    );
  }
  if (purpose === 'write' && (incompatibleFeatures & Incompatible.corrupt) !== 0n) {
    throw new DiskwrightError('corrupt', 'qcow2 header: the image is marked corrupt and cannot be written.', {
      fix: 'Repair it first: check -r all.',
    });
  }
  const extended = (incompatibleFeatures & Incompatible.extendedL2) !== 0n;
  insist(!extended || clusterBits >= 14, 'unsupported', () => 'extended L2 with clusters below 16 KiB');
  insist(refcountOrder <= 6, 'corrupt', () => `refcounts of 2^${refcountOrder} bits, at most 2^6`);
}

/** QEMU addresses nothing behind it. */
const LAST_PLACE = 2 ** 63 - 2 ** 30;

/** A table of `bytes` at `offset`: not above `most`, at the start of a cluster, below 2^63. */
function checkTable(name: string, bytes: number, most: number, offset: number, clusterSize: number): void {
  insist(bytes <= most, 'corrupt', () => `the ${name} has ${bytes} bytes, at most ${most}`);
  insist(offset <= LAST_PLACE - bytes, 'corrupt', () => `the ${name} is at ${offset}, where no file reaches`);
  insist(offset % clusterSize === 0, 'corrupt', () => `the ${name} is at ${offset}, not at the start of a cluster`);
}

function checkTables(fields: Fields, purpose: OpenPurpose): void {
  const clusterSize = 2 ** fields.clusterBits;
  const { refcountTableClusters, refcountTableOffset, l1Size, l1TableOffset } = fields;
  insist(refcountTableClusters > 0 || looksAtDamage(purpose), 'corrupt', () => 'there is no refcount table');
  const tableBytes = refcountTableClusters * clusterSize;
  checkTable('refcount table', tableBytes, MAX_REFCOUNT_TABLE_BYTES, refcountTableOffset, clusterSize);
  if (!looksAtDamage(purpose)) {
    insist(
      fields.nbSnapshots <= MAX_SNAPSHOTS,
      'corrupt',
      () => `${fields.nbSnapshots} snapshots, at most ${MAX_SNAPSHOTS}`,
    );
    checkTable('snapshot table', 0, 0, fields.snapshotsOffset, clusterSize);
  }
  checkTable('L1 table', l1Size * 8, MAX_L1_BYTES, l1TableOffset, clusterSize);
}

function checkSize(fields: Fields): number {
  const clusterSize = 2 ** fields.clusterBits;
  const extended = (fields.incompatibleFeatures & Incompatible.extendedL2) !== 0n;
  const mapped = clusterSize * (clusterSize / (extended ? 16 : 8));
  const virtualSize = Number(fields.size - (fields.size % 512n));
  const needed = divideUp(virtualSize, mapped);
  insist(needed <= 2 ** 31 - 1, 'corrupt', () => `a disk of ${fields.size} bytes is too large`);
  insist(fields.l1Size >= needed, 'corrupt', () => `an L1 table of ${fields.l1Size} entries, the disk needs ${needed}`);
  return virtualSize;
}

export function openHeader(device: ReadableDevice, purpose: OpenPurpose = 'read'): ImageHeader {
  const fields = readFields(device);
  checkShape(fields);
  checkFeatures(fields, device, purpose);
  checkTables(fields, purpose);
  const virtualSize = checkSize(fields);
  const { cryptMethod, clusterBits, backingFileOffset, backingFileSize } = fields;
  const clusterSize = 2 ** clusterBits;
  insist(cryptMethod <= 2, 'unsupported', () => `encryption method ${cryptMethod}, known are 0 to 2`);
  if (backingFileOffset !== 0) {
    const most = Math.min(MAX_BACKING_NAME, clusterSize - backingFileOffset);
    insist(
      backingFileSize <= most,
      'corrupt',
      () => `a backing file name of ${backingFileSize} bytes, at most ${most}`,
    );
  }
  return {
    version: fields.version === 2 ? 2 : 3,
    clusterBits,
    clusterSize,
    virtualSize,
    cryptMethod,
    l1: { offset: fields.l1TableOffset, entries: fields.l1Size },
    refcountTable: { offset: fields.refcountTableOffset, clusters: fields.refcountTableClusters },
    snapshots: { offset: fields.snapshotsOffset, count: fields.nbSnapshots },
    backingName: { offset: backingFileOffset, length: backingFileOffset === 0 ? 0 : backingFileSize },
    incompatible: fields.incompatibleFeatures,
    compatible: fields.compatibleFeatures,
    autoclear: fields.autoclearFeatures,
    refcountBits: 2 ** fields.refcountOrder,
    headerLength: fields.headerLength,
    compressionType: fields.compressionType === 1 ? 'zstd' : 'zlib',
    extendedL2: (fields.incompatibleFeatures & Incompatible.extendedL2) !== 0n,
  };
}

/** Virtual size in bytes. Throws `not-this-format`, `unsupported` or `corrupt`. */
export const virtualSizeOf = (device: ReadableDevice): number => openHeader(device).virtualSize;
