/** The open image, for reading: header, L1 table, L2 tables, compressed clusters (contract: qcow2-format.md §10). */
import { divideUp } from '../../bytes/math.ts';
import type { ReadableDevice } from '../../device/device.ts';
import { DiskwrightError } from '../../errors.ts';
import type { ImageDevices, OpenImage, ReadSettings, SnapshotChoice } from '../../image/image.ts';
import { CompressedClusters } from './compressed.ts';
import { DiskReader } from './disk-reader.ts';
import { diskCipherOf } from './encryption/disk-cipher.ts';
import { COMPRESSED } from './entry.ts';
import { extensionsOf } from './extensions.ts';
import { Incompatible } from './features.ts';
import type { ImageHeader } from './image-header.ts';
import { MAX_L1_BYTES } from './limits.ts';
import { Locator } from './locate.ts';
import { openHeader } from './open-header.ts';
import { findSnapshot, readSnapshots, type Snapshot } from './snapshots.ts';
import { readL1 } from './tables/l1-table.ts';
import { TableCache } from './tables/table-cache.ts';
import { validateForReading } from './validate.ts';

/** L2 tables held for reading, together. */
const TABLES_BYTES = 8 * 1024 * 1024;

/** L2 tables of large clusters are read in parts of this size. */
const SLICE_BYTES = 64 * 1024;

/** The part of an L1 table that maps the disk; a table that is shorter leaves the rest of the disk unallocated. */
function mappingL1(device: ReadableDevice, header: ImageHeader, snapshot: Snapshot | undefined): DataView {
  const mapped = header.clusterSize * (header.clusterSize / (header.extendedL2 ? 16 : 8));
  const entries = divideUp(header.virtualSize, mapped);
  if (!snapshot) return readL1(device, header.l1.offset, entries);
  const { offset, entries: stored } = snapshot.l1;
  if (offset % header.clusterSize !== 0 || stored * 8 > MAX_L1_BYTES) {
    const facts = `${stored} entries at ${offset}`;
    throw new DiskwrightError('corrupt', `qcow2: the L1 table of snapshot ${snapshot.id} cannot be: ${facts}.`);
  }
  const table = readL1(device, offset, Math.min(entries, stored));
  const bytes = new Uint8Array(entries * 8);
  bytes.set(new Uint8Array(table.buffer));
  return new DataView(bytes.buffer);
}

function chosenSnapshot(snapshots: readonly Snapshot[], choice: SnapshotChoice): Snapshot {
  const found =
    typeof choice === 'string'
      ? findSnapshot(snapshots, choice)
      : snapshots.find(({ id, name }) => (choice.id ?? id) === id && (choice.name ?? name) === name);
  if (found) return found;
  const said = typeof choice === 'string' ? choice : [choice.id, choice.name].filter((part) => part).join(', ');
  throw new DiskwrightError('io', `qcow2: there is no snapshot "${said}".`, { fix: 'List them: snapshot -l.' });
}

export function openImage({ image, data }: ImageDevices, settings: ReadSettings = {}): OpenImage {
  const header = openHeader(image);
  const external = (header.incompatible & Incompatible.externalDataFile) !== 0n;
  validateForReading(image, header, extensionsOf(image, header));
  const { snapshots } = readSnapshots(image, header);
  if (external && !data) throw new DiskwrightError('io', "qcow2: the image's data file is not open.");
  const snapshot = settings.snapshot === undefined ? undefined : chosenSnapshot(snapshots, settings.snapshot);
  const slice = Math.min(header.clusterSize, SLICE_BYTES);
  const locator = new Locator({
    header,
    l1View: mappingL1(image, header, snapshot),
    l2Cache: new TableCache(image, slice, TABLES_BYTES / slice),
    // A data file that the image does not ask for is not its.
    guest: external && data ? data : image,
    external,
  });
  const compressed = new CompressedClusters(image, header, settings.inflate);
  const cipher = diskCipherOf(header.cryptMethod, settings.cipher);
  const reader = new DiskReader(locator, compressed, header.clusterSize, cipher);
  return {
    virtualSize: header.virtualSize,
    locate: (at, length) => reader.locate(at, length),
    decode: (at, into) => reader.decode(at, into),
    stored(at) {
      const { upper, lower } = locator.compressedEntry(at);
      return at % header.clusterSize === 0 && (upper & COMPRESSED) !== 0 ? compressed.stored(upper, lower) : undefined;
    },
  };
}
