/** What the page sees of a qcow2 file beside its disk: clusters, named bytes, what leads where. */
import type { Exploration, FormatExplorer, Landmark } from '../../image/exploration.ts';
import { type ClusterMap, mapClusters } from './cluster-map.ts';
import { countOf, entriesFor, ownerOf } from './cluster-owner.ts';
import { fieldsIn } from './named-fields.ts';
import { headerFields } from './named-header.ts';

function landmarksOf({ header, stored, snapshotTable, snapshots, bitmaps }: ClusterMap): Landmark[] {
  const block = stored.blocks.find((offset) => offset > 0);
  return [
    { name: 'Header', at: 0 },
    { name: 'L1', at: header.l1.offset },
    { name: 'Refcount table', at: header.refcountTable.offset },
    ...(block === undefined ? [] : [{ name: 'Refcount block', at: block }]),
    ...(snapshots.length > 0 ? [{ name: 'Snapshots', at: snapshotTable.offset }] : []),
    ...(bitmaps ? [{ name: 'Bitmaps', at: bitmaps.offset }] : []),
  ];
}

export const qcow2Explorer: FormatExplorer = {
  explore(device): Exploration {
    const { map, steps } = mapClusters(device);
    return {
      clusterSize: map.header.clusterSize,
      kinds: map.kinds,
      guest: map.guest,
      notes: map.notes,
      landmarks: landmarksOf(map),
      steps,
      ownerOf: (from, cluster) => ownerOf(from, map, cluster),
      countOf: (from, cluster) => countOf(from, map, cluster),
      entriesFor(from, guest) {
        const { l1, l2 } = entriesFor(from, map, guest);
        return l2 === undefined ? [l1] : [l1, l2];
      },
      fieldsIn: (from, at, length) => fieldsIn(from, map, at, length),
    };
  },
  headerFields: (device) => [...headerFields(device)],
};
