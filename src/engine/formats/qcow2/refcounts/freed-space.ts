/**
 * Clusters whose count has come to 0 and what must happen before they hold something else.
 *
 * Two things. Their space may be given back to the host (contract: systems.md row 56). And while the L2 entry that
 * pointed at a cluster is removed in memory only, a cut would leave the old entry on the disk: nothing new may come
 * to its place before the L2 tables are written. QEMU does not wait there; a cut can cost it flushed data.
 */
import type { WritableDevice } from '../../../device/device.ts';
import type { TableCache } from '../tables/table-cache.ts';

/**
 * Why a cluster is freed: `never` given back to the host (the next write takes it anyway), on the guest's `request`,
 * with a `snapshot`, `always` (shrinking), or as any `other` table.
 */
export type FreeKind = 'never' | 'request' | 'snapshot' | 'other' | 'always';

export interface PassDiscard {
  readonly request: boolean;
  readonly snapshot: boolean;
  readonly other: boolean;
}

/** Clusters remembered one by one; with more of them every reuse waits. */
const MOST_REMEMBERED = 100_000;

export class FreedSpace {
  readonly #device: WritableDevice;
  readonly #clusterSize: number;
  readonly #l2Cache: TableCache;
  readonly #pass: PassDiscard;
  /** Ranges to give back: first cluster and count, in the order they were freed. */
  #ranges: { first: number; count: number }[] = [];
  #afterTables = false;
  readonly #unlinked = new Set<number>();
  #flushes = -1;

  constructor(device: WritableDevice, clusterSize: number, l2Cache: TableCache, pass: PassDiscard) {
    this.#device = device;
    this.#clusterSize = clusterSize;
    this.#l2Cache = l2Cache;
    this.#pass = pass;
  }

  add(cluster: number, kind: FreeKind): void {
    // Pointers to tables and snapshots are off the disk before their clusters are freed.
    if (kind === 'never' || kind === 'request' || kind === 'always') this.#remember(cluster);
    if (kind === 'never' || (kind !== 'always' && !this.#pass[kind])) return;
    const last = this.#ranges.at(-1);
    if (last && last.first + last.count === cluster) last.count++;
    else this.#ranges.push({ first: cluster, count: 1 });
  }

  /**
   * What is freed now may not be emptied while an entry on the disk points at it: zeros in the place of a cluster read
   * as zeros, in the place of a compressed one they cannot be read at all.
   */
  afterTables(): void {
    this.#afterTables = true;
  }

  /** What was freed reads as zeros from now on. Called where an operation ends and before clusters are used again. */
  giveBack(): void {
    if (this.#ranges.length === 0) return;
    const ranges = this.#ranges;
    this.#ranges = [];
    if (this.#afterTables) this.#l2Cache.flush();
    this.#afterTables = false;
    for (const { first, count } of ranges) {
      const at = first * this.#clusterSize;
      const length = Math.min(count * this.#clusterSize, this.#device.size - at);
      if (length > 0) this.#device.zero(at, length);
    }
  }

  /** What was freed since the last `giveBack` keeps its space and its bytes. */
  keep(): void {
    this.#ranges = [];
    this.#afterTables = false;
  }

  /** Clusters [first, first + count) are about to be written. */
  aboutToUse(first: number, count: number): void {
    if (this.#unlinked.size === 0) return;
    if (this.#flushes !== this.#l2Cache.flushes) {
      this.#unlinked.clear();
      return;
    }
    let waits = this.#unlinked.size >= MOST_REMEMBERED;
    for (let cluster = first; !waits && cluster < first + count; cluster++) waits = this.#unlinked.has(cluster);
    if (!waits) return;
    this.#l2Cache.flush();
    this.#unlinked.clear();
  }

  #remember(cluster: number): void {
    if (this.#flushes !== this.#l2Cache.flushes) {
      this.#unlinked.clear();
      this.#flushes = this.#l2Cache.flushes;
    }
    if (this.#unlinked.size < MOST_REMEMBERED) this.#unlinked.add(cluster);
  }
}
