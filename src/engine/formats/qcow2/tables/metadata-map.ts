/**
 * Where the metadata of an open image lies, to refuse a write that would hit it: the last line of defence against a
 * damaged table or a defect here (contract: systems.md row 55).
 *
 * L2 tables and refcount blocks are whole clusters and may be many: they are kept as a set, so that a check costs as
 * much as the write is long.
 */
import { offsetOf } from '../entry.ts';
import { Overlap } from '../runtime-options.ts';
import { ClusterSet } from './cluster-set.ts';

/** What a write may hit: the names of the checks. */
export type Metadata = keyof typeof Overlap;

/** A stretch of the file, in bytes. */
export interface Stretch {
  readonly offset: number;
  readonly bytes: number;
}

/** Stretches that may move while the image is open. */
export interface MetadataHost {
  activeL1(): Stretch;
  refcountTable(): Stretch;
  snapshotTable(): Stretch;
  inactiveL1(): readonly Stretch[];
  /** Entries of a snapshot's L1 table. */
  readInactiveL1(table: Stretch): DataView;
  bitmapDirectory(): Stretch | undefined;
}

const NAMES: Readonly<Record<Metadata, string>> = {
  header: 'the header',
  activeL1: 'the L1 table',
  activeL2: 'an L2 table',
  refcountTable: 'the refcount table',
  refcountBlock: 'a refcount block',
  snapshotTable: 'the snapshot table',
  inactiveL1: 'the L1 table of a snapshot',
  inactiveL2: 'an L2 table of a snapshot',
  bitmapDirectory: 'the bitmap directory',
};
const KINDS = Object.keys(Overlap) as readonly Metadata[];

const overlaps = (at: number, bytes: number, one: Stretch): boolean =>
  one.bytes > 0 && at < one.offset + one.bytes && one.offset < at + bytes;

export class MetadataMap {
  readonly #clusterSize: number;
  readonly #host: MetadataHost;
  /** Kinds that are looked at. */
  readonly #checks: readonly Metadata[];
  readonly #l2 = new ClusterSet();
  readonly #blocks = new ClusterSet();
  #inactiveL2: ClusterSet | undefined;

  /** `checks`: bits of `Overlap`. */
  constructor(clusterSize: number, host: MetadataHost, checks: number) {
    this.#clusterSize = clusterSize;
    this.#host = host;
    this.#checks = KINDS.filter((kind) => (checks & Overlap[kind]) !== 0);
  }

  addL2(offset: number): void {
    this.#l2.add(Math.floor(offset / this.#clusterSize));
  }

  removeL2(offset: number): void {
    this.#l2.delete(Math.floor(offset / this.#clusterSize));
  }

  setBlocks(blocks: Float64Array): void {
    this.#blocks.clear();
    for (const offset of blocks) if (offset !== 0) this.#blocks.add(Math.floor(offset / this.#clusterSize));
  }

  addBlock(offset: number): void {
    this.#blocks.add(Math.floor(offset / this.#clusterSize));
  }

  /** Snapshots have come or gone. */
  snapshotsChanged(): void {
    this.#inactiveL2 = undefined;
  }

  /** What a write of [at, at + bytes) would hit, in words, or undefined. `own`: what the write is meant for. */
  hit(at: number, bytes: number, own?: Metadata): string | undefined {
    if (bytes <= 0) return undefined;
    for (const kind of this.#checks) {
      if (kind !== own && this.#hits(kind, at, bytes)) return NAMES[kind];
    }
    return undefined;
  }

  #hits(kind: Metadata, at: number, bytes: number): boolean {
    const first = Math.floor(at / this.#clusterSize);
    const count = Math.floor((at + bytes - 1) / this.#clusterSize) + 1 - first;
    switch (kind) {
      case 'header':
        return at < this.#clusterSize;
      case 'activeL1':
        return overlaps(at, bytes, this.#host.activeL1());
      case 'activeL2':
        return this.#l2.hasAny(first, count);
      case 'refcountTable':
        return overlaps(at, bytes, this.#host.refcountTable());
      case 'refcountBlock':
        return this.#blocks.hasAny(first, count);
      case 'snapshotTable':
        return overlaps(at, bytes, this.#host.snapshotTable());
      case 'inactiveL1':
        return this.#host.inactiveL1().some((table) => overlaps(at, bytes, table));
      case 'inactiveL2':
        return this.#inactive().hasAny(first, count);
      case 'bitmapDirectory': {
        const directory = this.#host.bitmapDirectory();
        return directory !== undefined && overlaps(at, bytes, directory);
      }
    }
  }

  #inactive(): ClusterSet {
    if (this.#inactiveL2) return this.#inactiveL2;
    const tables = new ClusterSet();
    for (const table of this.#host.inactiveL1()) {
      const view = this.#host.readInactiveL1(table);
      for (let at = 0; at < view.byteLength; at += 8) {
        const offset = offsetOf(view.getInt32(at), view.getInt32(at + 4));
        if (offset !== 0) tables.add(Math.floor(offset / this.#clusterSize));
      }
    }
    this.#inactiveL2 = tables;
    return tables;
  }
}
