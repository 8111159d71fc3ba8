/**
 * What each cluster of a file is for: one byte a cluster, in pages that exist only where something is. A picture of
 * millions of clusters is drawn from `cells`, a few thousand bytes at the zoom that is asked for.
 */
import { DiskwrightError } from '../errors.ts';

/** The higher the number, the rarer: a cell of many clusters is drawn as its highest. */
export const ClusterKind = {
  free: 0,
  data: 1,
  /** A place is kept, and it reads as zeros. */
  zero: 2,
  compressed: 3,
  /** Used more than once: by the disk and by snapshots. */
  shared: 4,
  /** Data that only snapshots use. */
  snapshotData: 5,
  l2: 6,
  refcountBlock: 7,
  l1: 8,
  refcountTable: 9,
  /** The snapshot table, and tables that only snapshots use. */
  snapshotTable: 10,
  bitmap: 11,
  encryption: 12,
  header: 13,
  /** Counted as used, and nothing uses it. */
  leaked: 14,
  /** Used for two things at once, or used and counted as free. */
  conflict: 15,
} as const;
export type ClusterKind = (typeof ClusterKind)[keyof typeof ClusterKind];

export const KINDS = 16;

const PAGE = 1 << 16;
/** 256 MiB: what scatters wider is no image but an attack on memory. */
const MOST_PAGES = 4096;

/** A stretch of neighbours of one kind. */
export interface KindRun {
  readonly first: number;
  readonly count: number;
  readonly kind: number;
}

export class ClusterKinds {
  /** Clusters there are. */
  readonly length: number;
  readonly #pages = new Map<number, Uint8Array>();

  constructor(length: number) {
    this.length = length;
  }

  get(cluster: number): number {
    return this.#pages.get(Math.floor(cluster / PAGE))?.[cluster % PAGE] ?? 0;
  }

  /** Sets [first, first + count), as far as it is there; `merge` decides where something is already. */
  mark(first: number, count: number, kind: number, merge?: (old: number, kind: number) => number): void {
    const end = Math.min(this.length, first + count);
    for (let cluster = first; cluster < end; ) {
      const index = Math.floor(cluster / PAGE);
      const from = cluster - index * PAGE;
      const to = Math.min(PAGE, from + (end - cluster));
      const page = this.#page(index);
      if (!merge) page.fill(kind, from, to);
      else
        for (let i = from; i < to; i++) {
          const old = page[i] ?? 0;
          page[i] = old === 0 ? kind : merge(old, kind);
        }
      cluster += to - from;
    }
  }

  /** The page that holds clusters from `index` · 65536 on, if anything is there. */
  page(index: number): Uint8Array | undefined {
    return this.#pages.get(index);
  }

  /** Numbers of the pages that exist. */
  pageNumbers(): number[] {
    return [...this.#pages.keys()].sort((a, b) => a - b);
  }

  static readonly pageSize = PAGE;

  /** For `count` cells of `perCell` clusters each: the highest kind in it. */
  cells(first: number, perCell: number, count: number): Uint8Array {
    const cells = new Uint8Array(count);
    const end = Math.min(this.length, first + perCell * count);
    for (let cluster = first; cluster < end; ) {
      const index = Math.floor(cluster / PAGE);
      const pageEnd = Math.min(end, (index + 1) * PAGE);
      const page = this.#pages.get(index);
      if (page) {
        const base = index * PAGE;
        for (let cell = Math.floor((cluster - first) / perCell); cluster < pageEnd; cell++) {
          const cellEnd = Math.min(pageEnd, first + (cell + 1) * perCell);
          let most = cells[cell] ?? 0;
          for (let i = cluster - base; i < cellEnd - base; i++) {
            const kind = page[i] ?? 0;
            if (kind > most) most = kind;
          }
          cells[cell] = most;
          cluster = cellEnd;
        }
      }
      cluster = pageEnd;
    }
    return cells;
  }

  /** How many clusters of [first, first + count) are of each kind. */
  counts(first = 0, count = this.length): Float64Array {
    const counts = new Float64Array(KINDS);
    const end = Math.min(this.length, first + count);
    let seen = 0;
    for (const index of this.#touched(first, end)) {
      const page = this.#pages.get(index) as Uint8Array;
      const from = Math.max(0, first - index * PAGE);
      const to = Math.min(PAGE, end - index * PAGE);
      for (let i = from; i < to; i++) {
        const kind = page[i] ?? 0;
        counts[kind] = (counts[kind] ?? 0) + 1;
      }
      seen += to - from;
    }
    counts[0] = (counts[0] ?? 0) + Math.max(0, end - first) - seen;
    return counts;
  }

  /** Runs from `first` on, at most `limit` of them. */
  runs(first: number, limit: number): KindRun[] {
    const runs: KindRun[] = [];
    for (let cluster = first; cluster < this.length && runs.length < limit; ) {
      const end = this.#runEnd(cluster);
      runs.push({ first: cluster, count: end - cluster, kind: this.get(cluster) });
      cluster = end;
    }
    return runs;
  }

  /** Where the run that holds `cluster` begins. */
  runStart(cluster: number): number {
    const kind = this.get(cluster);
    let at = cluster;
    while (at > 0) {
      const index = Math.floor((at - 1) / PAGE);
      const page = this.#pages.get(index);
      if (!page) {
        if (kind !== 0) return at;
        at = index * PAGE;
        continue;
      }
      while (at > index * PAGE && page[at - 1 - index * PAGE] === kind) at--;
      if (at > index * PAGE) return at;
    }
    return 0;
  }

  /** The first cluster of this kind at or behind `from`, −1 if there is none. */
  find(kind: number, from = 0): number {
    for (const index of this.#touched(from, this.length)) {
      const page = this.#pages.get(index) as Uint8Array;
      const at = page.indexOf(kind, Math.max(0, from - index * PAGE));
      if (at >= 0) return index * PAGE + at;
    }
    return -1;
  }

  #runEnd(cluster: number): number {
    const kind = this.get(cluster);
    let at = cluster + 1;
    while (at < this.length) {
      const index = Math.floor(at / PAGE);
      const page = this.#pages.get(index);
      const pageEnd = Math.min(this.length, (index + 1) * PAGE);
      if (!page) {
        if (kind !== 0) return at;
        at = Math.min(this.length, this.#nextPage(index) * PAGE);
        continue;
      }
      while (at < pageEnd && page[at - index * PAGE] === kind) at++;
      if (at < pageEnd) return at;
    }
    return this.length;
  }

  /** The next page behind `index` that exists; so many pages as there could be if none does. */
  #nextPage(index: number): number {
    return this.pageNumbers().find((number) => number > index) ?? Math.ceil(this.length / PAGE);
  }

  #touched(first: number, end: number): number[] {
    return this.pageNumbers().filter((index) => (index + 1) * PAGE > first && index * PAGE < end);
  }

  #page(index: number): Uint8Array {
    let page = this.#pages.get(index);
    if (!page) {
      if (this.#pages.size >= MOST_PAGES) {
        throw new DiskwrightError(
          'unsupported',
          'The file has too many clusters, or they scatter too far, to be drawn.',
        );
      }
      page = new Uint8Array(PAGE);
      this.#pages.set(index, page);
    }
    return page;
  }
}
