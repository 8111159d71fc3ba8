/**
 * Header checks as far as the size of the disk needs them, in the order of opening (contract:
 * qcow2-format.md §10). A backing image is opened only this far.
 */

import type { Values } from '../../bytes/struct.ts';
import type { ReadableDevice } from '../../device/device.ts';
import { DiskwrightError, type ErrorKind } from '../../errors.ts';
import { Incompatible } from './features.ts';
import { headerV3, QCOW2_MAGIC } from './header.ts';
import { MAX_L1_BYTES, MAX_REFCOUNT_TABLE_BYTES } from './limits.ts';

type Header = Values<typeof headerV3>;

const KNOWN_INCOMPATIBLE = Object.values(Incompatible).reduce((mask, bit) => mask | bit, 0n);
const MAX_SNAPSHOTS = 65536;

function insist(condition: boolean, kind: ErrorKind, message: string): asserts condition {
  if (!condition) throw new DiskwrightError(kind, message);
}

function readHeader(device: ReadableDevice): Header {
  const bytes = new Uint8Array(headerV3.size);
  device.read(0, bytes);
  insist(
    headerV3.get('magic', bytes) === QCOW2_MAGIC,
    'not-this-format',
    'The image is not qcow2: no "QFI\\xfb" at 0.',
  );
  const version = headerV3.get('version', bytes);
  insist(version === 2 || version === 3, 'unsupported', `qcow2 header, byte 4: version ${version}, known are 2 and 3.`);
  if (version === 2) {
    bytes.fill(0, 72);
    new DataView(bytes.buffer).setUint32(headerV3.offsets.refcountOrder, 4);
    new DataView(bytes.buffer).setUint32(headerV3.offsets.headerLength, 72);
  } else if (headerV3.get('headerLength', bytes) <= 104) bytes.fill(0, 104);
  return headerV3.read(bytes);
}

function checkFeatures(header: Header): void {
  const typeBit = (header.incompatibleFeatures & Incompatible.compressionType) !== 0n;
  insist(
    header.compressionType <= 1,
    'unsupported',
    `qcow2 header: unknown compression type ${header.compressionType}.`,
  );
  insist(typeBit === (header.compressionType !== 0), 'corrupt', 'qcow2 header: compression type and its bit disagree.');
  const unknown = header.incompatibleFeatures & ~KNOWN_INCOMPATIBLE;
  insist(unknown === 0n, 'unsupported', `qcow2 header: unknown incompatible features, mask 0x${unknown.toString(16)}.`);
}

function checkTable(name: string, bytes: number, most: number, offset: number, clusterSize: number): void {
  insist(bytes <= most, 'corrupt', `qcow2 header: the ${name} is too large, ${bytes} bytes of at most ${most}.`);
  insist(
    offset % clusterSize === 0,
    'corrupt',
    `qcow2 header: the ${name} is at ${offset}, not at the start of a cluster.`,
  );
}

/** Virtual size in bytes. Throws `not-this-format`, `unsupported` or `corrupt`. */
export function virtualSizeOf(device: ReadableDevice): number {
  const header = readHeader(device);
  const { clusterBits, headerLength, version, l1Size } = header;
  insist(
    clusterBits >= 9 && clusterBits <= 21,
    'unsupported',
    `qcow2 header: clusters of 2^${clusterBits} bytes, known are 2^9 to 2^21.`,
  );
  const clusterSize = 2 ** clusterBits;
  insist(version === 2 || headerLength >= 104, 'corrupt', `qcow2 header: ${headerLength} bytes long, at least 104.`);
  insist(headerLength <= clusterSize, 'corrupt', 'qcow2 header: it is longer than a cluster.');
  insist(
    header.backingFileOffset <= clusterSize,
    'corrupt',
    'qcow2 header: the backing file name is outside cluster 0.',
  );
  checkFeatures(header);
  const extended = (header.incompatibleFeatures & Incompatible.extendedL2) !== 0n;
  insist(!extended || clusterBits >= 14, 'unsupported', 'qcow2 header: extended L2 with clusters below 16 KiB.');
  insist(
    header.refcountOrder <= 6,
    'corrupt',
    `qcow2 header: refcounts of 2^${header.refcountOrder} bits, at most 64.`,
  );
  insist(header.refcountTableClusters > 0, 'corrupt', 'qcow2 header: there is no refcount table.');
  checkTable(
    'refcount table',
    header.refcountTableClusters * clusterSize,
    MAX_REFCOUNT_TABLE_BYTES,
    header.refcountTableOffset,
    clusterSize,
  );
  insist(
    header.nbSnapshots <= MAX_SNAPSHOTS,
    'corrupt',
    `qcow2 header: ${header.nbSnapshots} snapshots, at most 65536.`,
  );
  checkTable('snapshot table', 0, 0, header.snapshotsOffset, clusterSize);
  checkTable('L1 table', l1Size * 8, MAX_L1_BYTES, header.l1TableOffset, clusterSize);
  const size = Number(header.size - (header.size % 512n));
  const mapped = clusterSize * (clusterSize / (extended ? 16 : 8));
  insist(l1Size >= Math.ceil(size / mapped), 'corrupt', `qcow2 header: an L1 table of ${l1Size} entries is too small.`);
  if (header.backingFileOffset !== 0) {
    const most = Math.min(1023, clusterSize - header.backingFileOffset);
    insist(header.backingFileSize <= most, 'corrupt', 'qcow2 header: the backing file name is too long.');
  }
  insist(header.cryptMethod <= 2, 'unsupported', `qcow2 header: unknown encryption method ${header.cryptMethod}.`);
  return size;
}
