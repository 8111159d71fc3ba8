/**
 * Guest offset → extent: L1 entry, L2 table, then a run of entries that continue each other, up to the end of the
 * table. Standard and extended entries (contract: qcow2-format.md §5; operations.md, Read).
 *
 * An entry that cannot be is `corrupt` where a read begins at it; a run ends before it, so that what lies in front
 * stays readable. Reserved bits are the check's business.
 */
import type { ReadableDevice } from '../../device/device.ts';
import { DiskwrightError } from '../../errors.ts';
import type { Extent } from '../../image/image.ts';
import { COMPRESSED, COPIED, Kind, kindOf, offsetOf, READS_ZERO } from './entry.ts';
import type { ImageHeader } from './image-header.ts';
import type { TableCache } from './tables/table-cache.ts';

const SUBCLUSTERS = 32;

const corrupt = (message: string): DiskwrightError => new DiskwrightError('corrupt', `qcow2: ${message}.`);

/** Where one part of the disk (cluster or subcluster) is: its kind and host offset, −1 for none. */
interface Place {
  readonly kind: Kind;
  readonly host: number;
}

/** What looking up needs of an open image; header and L1 table may be replaced while it is open. */
export interface LocatorHost {
  readonly header: ImageHeader;
  /** The active L1 table, at least as long as the disk needs. */
  readonly l1View: DataView;
  /** L2 tables, or equal slices of them. */
  readonly l2Cache: TableCache;
  /** Holds the guest's bytes: the image, or its external data file. */
  readonly guest: ReadableDevice;
  readonly external: boolean;
}

export class Locator {
  readonly #host: LocatorHost;
  readonly #tables: TableCache;
  readonly #external: boolean;
  readonly #entryBytes: number;
  readonly #entries: number;
  /** What one place covers: a cluster, or with extended L2 a subcluster. */
  readonly #part: number;
  /** Bytes of the disk that one slice of an L2 table maps. */
  readonly #mappedBySlice: number;

  constructor(host: LocatorHost) {
    const { header, l2Cache, external } = host;
    this.#host = host;
    this.#tables = l2Cache;
    this.#external = external;
    this.#entryBytes = header.extendedL2 ? 16 : 8;
    this.#entries = header.clusterSize / this.#entryBytes;
    this.#part = header.extendedL2 ? header.clusterSize / SUBCLUSTERS : header.clusterSize;
    this.#mappedBySlice = (l2Cache.tableBytes / this.#entryBytes) * header.clusterSize;
  }

  get #header(): ImageHeader {
    return this.#host.header;
  }

  get #l1(): DataView {
    return this.#host.l1View;
  }

  locate(at: number, length: number): Extent {
    const { clusterSize } = this.#header;
    const mapped = clusterSize * this.#entries;
    const l1Index = Math.floor(at / mapped);
    const inTable = at - l1Index * mapped;
    const slice = Math.floor(inTable / this.#mappedBySlice);
    const inSlice = inTable - slice * this.#mappedBySlice;
    const most = Math.min(length, this.#mappedBySlice - inSlice);
    const table = this.#table(l1Index, slice);
    if (!table) return { kind: 'absent', at, length: this.#gap(l1Index, mapped, inTable, length) };
    const part = this.#part;
    const first = Math.floor(inSlice / part);
    const place = this.#place(table, first, l1Index, inTable);
    const skipped = inSlice - first * part;
    const count = this.#run(table, first, place, Math.ceil((skipped + most) / part));
    const covered = Math.min(most, count * part - skipped);
    if (place.kind === Kind.compressed) return { kind: 'coded', at, length: covered };
    const host = place.host < 0 ? -1 : place.host + skipped;
    // Guest and host offsets of a data file are the same.
    if (this.#external && host >= 0 && host !== at)
      throw corrupt(`guest offset ${at} lies at ${host} of the data file`);
    if (place.kind === Kind.normal) return { kind: 'data', at, length: covered, device: this.#host.guest, host };
    const kind = place.kind === Kind.unallocated ? 'absent' : 'zero';
    return host < 0 ? { kind, at, length: covered } : { kind, at, length: covered, host };
  }

  /** The two words of the entry for the compressed cluster that holds `at`. */
  compressedEntry(at: number): { readonly upper: number; readonly lower: number } {
    const cluster = Math.floor(at / this.#header.clusterSize);
    const l1Index = Math.floor(cluster / this.#entries);
    const inTable = (cluster - l1Index * this.#entries) * this.#entryBytes;
    const slice = Math.floor(inTable / this.#tables.tableBytes);
    const from = inTable - slice * this.#tables.tableBytes;
    const table = this.#table(l1Index, slice);
    return table ? { upper: table.getInt32(from), lower: table.getInt32(from + 4) } : { upper: 0, lower: 0 };
  }

  /** How much of `length` the missing tables from `l1Index` on cover, `inTable` bytes into the first. */
  #gap(l1Index: number, mapped: number, inTable: number, length: number): number {
    let covered = mapped - inTable;
    for (let index = l1Index + 1; covered < length && index * 8 < this.#l1.byteLength; index++) {
      if (offsetOf(this.#l1.getInt32(index * 8), this.#l1.getInt32(index * 8 + 4)) !== 0) break;
      covered += mapped;
    }
    return Math.min(covered, length);
  }

  #table(l1Index: number, slice: number): DataView | undefined {
    if (l1Index * 8 >= this.#l1.byteLength) return undefined;
    const upper = this.#l1.getInt32(l1Index * 8);
    const lower = this.#l1.getInt32(l1Index * 8 + 4);
    const offset = offsetOf(upper, lower);
    if (offset === 0) return undefined;
    if (offset % this.#header.clusterSize !== 0) {
      throw corrupt(`L1 entry ${l1Index}: the L2 table at ${offset} is not at the start of a cluster`);
    }
    return this.#tables.get(offset + slice * this.#tables.tableBytes).view;
  }

  /** Checked place of part `index`; throws for what cannot be. */
  #place(table: DataView, index: number, l1Index: number, inTable: number): Place {
    const place = this.#peek(table, index);
    if (typeof place !== 'string') return place;
    const entry = Math.floor(inTable / this.#header.clusterSize);
    throw corrupt(`L2 table ${l1Index}, entry ${entry}: ${place}`);
  }

  /** Place of part `index`, or what is wrong with its entry. */
  #peek(table: DataView, index: number): Place | string {
    const { extendedL2 } = this.#header;
    const cluster = extendedL2 ? Math.floor(index / SUBCLUSTERS) : index;
    const upper = table.getInt32(cluster * this.#entryBytes);
    const lower = table.getInt32(cluster * this.#entryBytes + 4);
    if ((upper & COMPRESSED) !== 0) {
      return this.#external ? 'a compressed cluster beside a data file' : { kind: Kind.compressed, host: -1 };
    }
    if (extendedL2) return this.#subcluster(table, cluster, index % SUBCLUSTERS, upper, lower);
    const kind = kindOf(upper, lower, this.#external);
    if ((lower & READS_ZERO) !== 0 && this.#header.version === 2) return 'a zero cluster in a version 2 image';
    if (kind === Kind.unallocated || kind === Kind.zeroPlain) return { kind, host: -1 };
    return this.#misplaced(offsetOf(upper, lower)) ?? { kind, host: offsetOf(upper, lower) };
  }

  #subcluster(table: DataView, cluster: number, sub: number, upper: number, lower: number): Place | string {
    const zero = table.getUint32(cluster * 16 + 8);
    const allocated = table.getUint32(cluster * 16 + 12);
    const placed = offsetOf(upper, lower) !== 0 || (this.#external && (upper & COPIED) !== 0);
    if ((zero & allocated) !== 0) return 'subclusters are both allocated and zero';
    if (!placed && allocated !== 0) return 'subclusters are allocated, but no cluster is';
    const start = placed ? offsetOf(upper, lower) : -1;
    const wrong = placed ? this.#misplaced(start) : undefined;
    if (wrong !== undefined) return wrong;
    const host = placed ? start + sub * this.#part : -1;
    const bit = 1 << sub;
    if ((allocated & bit) !== 0) return { kind: Kind.normal, host };
    if ((zero & bit) === 0) return { kind: Kind.unallocated, host };
    return { kind: placed ? Kind.zeroAllocated : Kind.zeroPlain, host };
  }

  #misplaced(host: number): string | undefined {
    return host % this.#header.clusterSize === 0
      ? undefined
      : `the cluster at ${host} is not at the start of a cluster`;
  }

  /** How many parts from `first`, at most `most`, continue `place`. */
  #run(table: DataView, first: number, place: Place, most: number): number {
    if (!this.#header.extendedL2) return this.#standardRun(table, first, place, most);
    let count = 1;
    for (; count < most; count++) {
      const next = this.#peek(table, first + count);
      if (typeof next === 'string' || next.kind !== place.kind) break;
      if (place.host < 0 ? next.host >= 0 : next.host !== place.host + count * this.#part) break;
    }
    return count;
  }

  /** Whole words are compared; only COPIED may differ, and where no cluster is placed not even that. */
  #standardRun(table: DataView, first: number, place: Place, most: number): number {
    const step = place.host < 0 ? 0 : this.#part;
    const compressed = place.kind === Kind.compressed;
    const mask = step === 0 ? -1 : ~COPIED;
    let upper = table.getInt32(first * 8) & mask;
    let lower = table.getInt32(first * 8 + 4);
    let count = 1;
    for (; count < most; count++) {
      const nextUpper = table.getInt32((first + count) * 8);
      if (compressed) {
        if ((nextUpper & COMPRESSED) === 0) break;
        continue;
      }
      if (step !== 0) {
        lower = (lower + step) | 0;
        if ((lower & ~0x1ff) === 0) upper = (upper + 1) | 0;
      }
      if ((nextUpper & mask) !== upper || table.getInt32((first + count) * 8 + 4) !== lower) break;
    }
    return count;
  }
}
