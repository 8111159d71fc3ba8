/**
 * The numbers that follow from cluster size, refcount width and kind of L2 entry (contract: systems.md,
 * Notation). Offsets are bytes, everything called cluster is a cluster number.
 */
import { divideUp, log2, roundUp } from '../../bytes/math.ts';

export interface Geometry {
  /** cs, bytes. */
  readonly clusterSize: number;
  readonly clusterBits: number;
  /** le, 8 or with extended L2 16 bytes. */
  readonly l2EntryBytes: number;
  /** E, entries of one L2 table. */
  readonly l2Entries: number;
  /** rb, 1 … 64. */
  readonly refcountBits: number;
  /** rpb, refcounts of one refcount block. */
  readonly blockRefcounts: number;
  /** Entries that one cluster of refcount table holds. */
  readonly tableEntries: number;
  /** Clusters that the guest's disk has. */
  readonly guestClusters: number;
  /** Entries of the L1 table. */
  readonly l1Entries: number;
}

export interface GeometryRequest {
  readonly clusterSize: number;
  readonly extendedL2: boolean;
  readonly refcountBits: number;
  /** Bytes, a multiple of 512. */
  readonly guestSize: number;
}

export function geometryOf({ clusterSize, extendedL2, refcountBits, guestSize }: GeometryRequest): Geometry {
  const l2EntryBytes = extendedL2 ? 16 : 8;
  const l2Entries = clusterSize / l2EntryBytes;
  return {
    clusterSize,
    clusterBits: log2(clusterSize),
    l2EntryBytes,
    l2Entries,
    refcountBits,
    blockRefcounts: (clusterSize * 8) / refcountBits,
    tableEntries: clusterSize / 8,
    guestClusters: divideUp(guestSize, clusterSize),
    l1Entries: divideUp(guestSize, clusterSize * l2Entries),
  };
}

/** What it takes to count `clusters` and the counting structures themselves. */
export interface RefcountNeed {
  readonly blocks: number;
  readonly tableClusters: number;
}

/**
 * Fixed point over refcount blocks and table (systems.md row 19; create-layout.md §6). `generous` adds
 * half of the table once, after the first stable point.
 */
export function refcountNeed(
  clusters: number,
  geometry: Pick<Geometry, 'blockRefcounts' | 'tableEntries'>,
  generous: boolean,
): RefcountNeed {
  let counted = clusters;
  let mayAdd = generous;
  let blocks = 0;
  let tableClusters = 0;
  for (let total = -1; ; ) {
    const before = total;
    blocks = divideUp(counted + tableClusters + blocks, geometry.blockRefcounts);
    tableClusters = divideUp(blocks, geometry.tableEntries);
    total = counted + blocks + tableClusters;
    if (total !== before) continue;
    if (!mayAdd) return { blocks, tableClusters };
    counted += divideUp(tableClusters, 2);
    mayAdd = false;
    total = -1;
  }
}

/** Refcount table entries for so many blocks; a table fills whole clusters. */
export const wholeTable = (blocks: number, geometry: Pick<Geometry, 'tableEntries'>): number =>
  roundUp(blocks, geometry.tableEntries);
