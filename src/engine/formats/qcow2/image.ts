/** The open image, for reading: header, L1 table, L2 tables, compressed clusters (contract: qcow2-format.md §10). */
import { divideUp } from '../../bytes/math.ts';
import type { ReadableDevice } from '../../device/device.ts';
import { DiskwrightError } from '../../errors.ts';
import type { ImageDevices, OpenImage } from '../../image/image.ts';
import { CompressedClusters } from './compressed.ts';
import { extensionsOf } from './extensions.ts';
import { Incompatible } from './features.ts';
import type { ImageHeader } from './image-header.ts';
import { Locator } from './locate.ts';
import { openHeader } from './open-header.ts';
import { readSnapshots } from './snapshots.ts';
import { readL1 } from './tables/l1-table.ts';
import { TableCache } from './tables/table-cache.ts';
import { validateForReading } from './validate.ts';

/** L2 tables held for reading, together. */
const TABLES_BYTES = 8 * 1024 * 1024;

/** The part of the L1 table that maps the disk. */
function mappingL1(device: ReadableDevice, header: ImageHeader): DataView {
  const mapped = header.clusterSize * (header.clusterSize / (header.extendedL2 ? 16 : 8));
  return readL1(device, header.l1.offset, divideUp(header.virtualSize, mapped));
}

export function openImage({ image, data }: ImageDevices): OpenImage {
  const header = openHeader(image);
  const external = (header.incompatible & Incompatible.externalDataFile) !== 0n;
  validateForReading(image, header, extensionsOf(image, header));
  readSnapshots(image, header);
  if (external && !data) throw new DiskwrightError('io', "qcow2: the image's data file is not open.");
  if (header.cryptMethod !== 0) {
    throw new DiskwrightError('unsupported', 'qcow2: the image is encrypted, and its data cannot be read so far.');
  }
  const locator = new Locator({
    header,
    l1View: mappingL1(image, header),
    l2Cache: new TableCache(image, header.clusterSize, TABLES_BYTES / header.clusterSize),
    guest: data ?? image,
    external,
  });
  const compressed = new CompressedClusters(image, header);
  return {
    virtualSize: header.virtualSize,
    locate: (at, length) => locator.locate(at, length),
    decode(at, into) {
      for (let done = 0; done < into.length; ) {
        const guest = at + done;
        const { upper, lower } = locator.compressedEntry(guest);
        const skipped = guest % header.clusterSize;
        const cluster = compressed.read(upper, lower, guest - skipped);
        const part = cluster.subarray(skipped, skipped + into.length - done);
        into.set(part, done);
        done += part.length;
      }
    },
  };
}
