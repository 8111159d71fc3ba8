/**
 * The pure layout of a new qcow2 image: request → where every table and every data run goes
 * (create-layout.md §3–§8). Nothing is written here; `content.ts` says the bytes, `pieces.ts` the order.
 */
import { divideUp, roundUp } from '../../bytes/math.ts';
import type { Geometry } from './geometry.ts';
import { NumberList } from './growable.ts';
import type { Parameters } from './parameters.ts';
import { type ClusterRun, Placement, type StaleTable } from './placement.ts';

/** Guest clusters [guest, guest + count) lie at host clusters [host, host + count); ascending by guest. */
export interface DataRuns {
  readonly guest: NumberList;
  readonly host: NumberList;
  readonly count: NumberList;
}

export interface Qcow2Layout {
  readonly parameters: Parameters;
  readonly geometry: Geometry;
  /** First cluster of the L1 table; undefined for an empty disk. */
  readonly l1: number | undefined;
  /** Host cluster of L2 table i; empty when nothing is preallocated. */
  readonly l2: NumberList;
  /** Empty with a data file: guest clusters lie at their own offset there. */
  readonly data: DataRuns;
  /** The space of the data is taken (zeros written) rather than left a hole. */
  readonly dataTaken: boolean;
  /** Where the LUKS header and its key material lie; undefined: there is none. */
  readonly luks: ClusterRun | undefined;
  readonly table: ClusterRun;
  /** Host cluster of refcount block i, 0 = none. */
  readonly blocks: readonly number[];
  readonly staleTables: readonly StaleTable[];
  /** Unused clusters below `end`. */
  readonly holes: readonly ClusterRun[];
  /** One past the highest cluster in use. */
  readonly end: number;
  /** Bytes. */
  readonly fileLength: number;
  /** Bytes of the data file. */
  readonly dataFileLength: number;
}

/** The most bytes that one allocation request of preallocation covers. */
const MAX_REQUEST = 2 ** 31 - 1;
/** Pieces of a cluster with extended L2. */
const SUBCLUSTERS = 32;

interface Draft {
  readonly parameters: Parameters;
  readonly place: Placement;
  readonly l2: NumberList;
  readonly data: DataRuns;
}

/** Adds guest clusters at host clusters, joined to the run before where both go on. */
function addData({ data }: Draft, guest: number, host: number, count: number): void {
  data.guest.push(guest);
  data.host.push(host);
  data.count.push(count);
}

/**
 * Preallocation `metadata`: requests of at most 2 GiB, each as one run as far as it goes. The L2 table of a
 * new range takes the place where the data would have gone on, which ends the request (§4).
 */
function placeMetadata(draft: Draft): void {
  const { place, l2, parameters } = draft;
  const { guestClusters, l2Entries, clusterSize } = parameters.geometry;
  const mostClusters = Math.floor(MAX_REQUEST / clusterSize);
  for (let guest = 0; guest < guestClusters; ) {
    const requestEnd = Math.min(guestClusters, guest + mostClusters);
    let expected = -1;
    while (guest < requestEnd) {
      const table = Math.floor(guest / l2Entries);
      if (table === l2.length) l2.push(place.alloc(1));
      const wanted = Math.min(requestEnd, (table + 1) * l2Entries) - guest;
      let host = expected;
      let count = wanted;
      if (expected < 0) host = place.alloc(wanted);
      else count = place.allocAt(expected, wanted);
      if (count === 0) break;
      addData(draft, guest, host, count);
      guest += count;
      expected = host + count;
    }
  }
}

/** With a data file only L2 tables are made, one after the other. */
function placeTablesOnly({ place, l2, parameters }: Draft): void {
  for (let table = 0; table < parameters.geometry.l1Entries; table++) l2.push(place.alloc(1));
}

/** Preallocation `falloc` and `full`: refcounts for everything, all data in one run, then the L2 tables (§5). */
function placeInFull(draft: Draft): void {
  const { place, l2, parameters } = draft;
  const { guestClusters, l2Entries, l1Entries } = parameters.geometry;
  const first = place.reserveRefcounts(guestClusters + divideUp(guestClusters, l2Entries) + 1);
  if (guestClusters > 0) {
    place.takeReserved(first, guestClusters);
    addData(draft, 0, first, guestClusters);
  }
  for (let table = 0; table < l1Entries; table++) l2.push(place.alloc(1));
}

function placeLuks({ place, parameters }: Draft): ClusterRun | undefined {
  const bytes = parameters.encryption?.headerBytes ?? 0;
  if (bytes === 0) return undefined;
  const count = divideUp(bytes, parameters.geometry.clusterSize);
  return { first: place.alloc(count), count };
}

const endOf = ({ first, count }: ClusterRun): number => first + count;

/** One past the last byte that anything but data occupies. */
function tablesEnd(draft: Draft, l1: number | undefined): number {
  const { place, l2, parameters } = draft;
  const { clusterSize, l1Entries } = parameters.geometry;
  let end = place.table.first + place.table.count;
  for (const table of place.staleTables) end = Math.max(end, table.first + table.count);
  for (const block of place.blocks) end = Math.max(end, block + 1);
  for (let i = 0; i < l2.length; i++) end = Math.max(end, l2.at(i) + 1);
  const bytes = end * clusterSize;
  return l1 === undefined ? bytes : Math.max(bytes, l1 * clusterSize + l1Entries * 8);
}

/**
 * One past the last byte of data. What `metadata` leaves unused of the last cluster is zeroed to the
 * cluster's end, with extended L2 only to the subcluster's.
 */
function dataEnd({ data, parameters }: Draft): number {
  const { clusterSize } = parameters.geometry;
  const last = data.guest.length - 1;
  if (last < 0) return 0;
  let end = 0;
  for (let i = 0; i <= last; i++) end = Math.max(end, data.host.at(i) + data.count.at(i));
  const tail = parameters.guestSize % clusterSize;
  if (parameters.preallocation !== 'metadata' || !parameters.extendedL2 || tail === 0) return end * clusterSize;
  return (end - 1) * clusterSize + roundUp(tail, clusterSize / SUBCLUSTERS);
}

function dataFileLength({ guestSize, geometry, preallocation, extendedL2 }: Parameters): number {
  if (preallocation === 'off') return guestSize;
  return roundUp(guestSize, extendedL2 ? geometry.clusterSize / SUBCLUSTERS : geometry.clusterSize);
}

/** Throws `out-of-range` when the tables would exceed what the format can address. */
export function layoutOf(parameters: Parameters): Qcow2Layout {
  const { geometry, preallocation, dataFile } = parameters;
  const place = new Placement(geometry);
  const runs: DataRuns = { guest: new NumberList(), host: new NumberList(), count: new NumberList() };
  const draft: Draft = { parameters, place, l2: new NumberList(), data: runs };
  const l1Clusters = divideUp(geometry.l1Entries * 8, geometry.clusterSize);
  const l1 = l1Clusters === 0 ? undefined : place.alloc(l1Clusters);
  if (preallocation !== 'off') {
    if (dataFile !== undefined) placeTablesOnly(draft);
    else if (preallocation === 'metadata') placeMetadata(draft);
    else placeInFull(draft);
  }
  // Only now: QEMU sets encryption up after everything else has its place.
  const luks = placeLuks(draft);
  return {
    parameters,
    geometry,
    l1,
    luks,
    l2: draft.l2,
    data: runs,
    dataTaken: preallocation === 'falloc' || preallocation === 'full',
    table: place.table,
    blocks: place.blocks,
    staleTables: place.staleTables,
    holes: place.holes,
    end: place.end,
    fileLength: Math.max(tablesEnd(draft, l1), dataEnd(draft), luks ? endOf(luks) * geometry.clusterSize : 0),
    dataFileLength: dataFile === undefined ? 0 : dataFileLength(parameters),
  };
}
