/** Where the metadata of a damaged image lies, so that the repair of one table does not hit another. */
import type { ReadableDevice } from '../../../device/device.ts';
import { offsetOf } from '../entry.ts';
import { MAX_L1_BYTES } from '../limits.ts';
import { Overlap } from '../runtime-options.ts';
import { MetadataMap } from '../tables/metadata-map.ts';
import { readL1Entries } from './l1-tables.ts';
import { readRefcountTable } from './stored-refcounts.ts';
import type { Subject } from './survey.ts';

/** Everything but the L2 tables of snapshots: QEMU looks at those only when told to. */
const LOOKED_AT = Object.values(Overlap).reduce((bits, bit) => bits | bit, 0) & ~Overlap.inactiveL2;

export function metadataPlaces(device: ReadableDevice, { header, snapshots, bitmaps }: Subject): MetadataMap {
  const { l1, refcountTable, clusterSize } = header;
  const inactive = snapshots.snapshots
    .map(({ l1: table }) => ({ offset: table.offset, bytes: table.entries * 8 }))
    // One that is longer than any is no table, and would forbid every write.
    .filter(({ bytes }) => bytes > 0 && bytes <= MAX_L1_BYTES);
  const map = new MetadataMap(
    clusterSize,
    {
      activeL1: () => ({ offset: l1.offset, bytes: l1.entries * 8 }),
      refcountTable: () => ({ offset: refcountTable.offset, bytes: refcountTable.clusters * clusterSize }),
      snapshotTable: () => ({ offset: header.snapshots.offset, bytes: snapshots.bytes }),
      inactiveL1: () => inactive,
      readInactiveL1: () => new DataView(new ArrayBuffer(0)),
      bitmapDirectory: () => bitmaps,
    },
    LOOKED_AT,
  );
  map.setBlocks(readRefcountTable(device, header).blocks.filter((offset) => offset > 0));
  readL1Entries(device, l1, (_, upper, lower) => {
    const offset = offsetOf(upper, lower);
    if (offset === 0) return;
    map.addL2(offset);
    // A misplaced table reaches into the cluster behind.
    if (offset % clusterSize !== 0) map.addL2(offset + clusterSize);
  });
  return map;
}
