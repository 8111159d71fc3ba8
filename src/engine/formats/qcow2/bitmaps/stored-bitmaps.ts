/** Bitmaps as they are in a file: finding the bits of each, and refusing what a damaged directory would cost. */
import { divideUp } from '../../../bytes/math.ts';
import type { ReadableDevice } from '../../../device/device.ts';
import { DiskwrightError } from '../../../errors.ts';
import type { BitmapSource } from '../../../image/writable.ts';
import { type Bitmap, BitmapFlag, bitmapBytes, readBitmapTable } from '../bitmaps.ts';
import { extensionsOf } from '../extensions.ts';
import { openHeader } from '../open-header.ts';
import { bitmapsOf } from '../validate.ts';
import { Bits } from './bits.ts';

/** Tables of all bitmaps together, which are held in memory: enough for 4 GiB of bits at the smallest clusters. */
const MAX_TABLES_BYTES = 64 * 1024 * 1024;

export const noSuchBitmap = (name: string): DiskwrightError =>
  new DiskwrightError('invalid-option', `qcow2: there is no bitmap "${name}".`);

export const notTrusted = (name: string): DiskwrightError =>
  new DiskwrightError(
    'unsupported',
    `qcow2: the bitmap "${name}" was not stored when the image was last written to, so what it says is not to be trusted.`,
    { fix: 'Remove it and add it anew: bitmap --remove, bitmap --add.' },
  );

/** What the bits are taken from. */
interface BitsPlace {
  readonly device: ReadableDevice;
  readonly clusterSize: number;
  /** Bytes of the disk. */
  readonly diskSize: number;
}

/** The bits of each bitmap that can be trusted, undefined for the others. Throws `corrupt` for tables that cannot be. */
export function openBits(
  bitmaps: readonly Bitmap[],
  { device, clusterSize, diskSize }: BitsPlace,
): (Bits | undefined)[] {
  const names = new Set<string>();
  let tableBytes = 0;
  let clusters = 0;
  return bitmaps.map((bitmap) => {
    const { name, table, granularityBits } = bitmap;
    if (names.has(name)) throw new DiskwrightError('corrupt', `qcow2 bitmaps: two of the name "${name}".`);
    names.add(name);
    if ((bitmap.flags & BitmapFlag.inUse) !== 0) return undefined;
    const wanted = divideUp(bitmapBytes(diskSize, granularityBits), clusterSize);
    if (table.entries !== wanted) {
      const message = `qcow2 bitmaps: the table of "${name}" has ${table.entries} entries, not ${wanted}.`;
      throw new DiskwrightError('corrupt', message);
    }
    tableBytes += table.entries * 8;
    if (tableBytes > MAX_TABLES_BYTES) {
      throw new DiskwrightError('unsupported', 'qcow2 bitmaps: their tables exceed 64 MiB, the most that works here.');
    }
    const places = readBitmapTable(device, bitmap, clusterSize);
    for (const place of places) if (place >= clusterSize) clusters++;
    // Each cluster belongs to one bitmap: more of them than the file has are the same few, named again and again.
    if (clusters > device.size / clusterSize + 1) {
      throw new DiskwrightError('corrupt', 'qcow2 bitmaps: they name more clusters than the file has.');
    }
    return new Bits({ clusterSize, granularityBits, diskSize }, { device, table: places });
  });
}

/** The bitmaps of an image that is only read, to be merged into those of another. */
export function readBitmapSource(device: ReadableDevice): BitmapSource {
  const header = openHeader(device);
  const { clusterSize, virtualSize } = header;
  const bitmaps = bitmapsOf(device, header, extensionsOf(device, header))?.bitmaps ?? [];
  const bits = openBits(bitmaps, { device, clusterSize, diskSize: virtualSize });
  return {
    diskSize: virtualSize,
    visitMarked(name, visit) {
      const index = bitmaps.findIndex((one) => one.name === name);
      if (index < 0) throw noSuchBitmap(name);
      const found = bits[index];
      if (!found) throw notTrusted(name);
      found.visit(visit);
    },
  };
}
