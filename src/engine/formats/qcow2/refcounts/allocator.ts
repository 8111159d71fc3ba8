/**
 * Allocates and frees clusters as QEMU does, first fit from a cursor (contract: systems.md rows 41 to 45). Where a
 * cluster lands is part of the file, so the order of events is kept to the letter: a new refcount block is placed by
 * the same search right behind the run that needed it, then the run is searched again from its start.
 *
 * Clusters are cluster numbers, `at` and `bytes` bytes.
 */
import { DiskwrightError } from '../../../errors.ts';
import { MAX_HOST_OFFSET } from '../limits.ts';
import type { TableCache } from '../tables/table-cache.ts';
import type { FreedSpace, FreeKind } from './freed-space.ts';
import { firstFree, firstUsed, mostOf, refcountAt, setRefcount } from './refcount-bits.ts';
import type { Refcounts } from './refcounts.ts';
import type { TableMaker } from './table-growth.ts';

export interface AllocatorParts {
  readonly clusterSize: number;
  readonly refcounts: Refcounts;
  readonly l2Cache: TableCache;
  readonly tables: TableMaker;
  readonly freed: FreedSpace;
  /** Marks the image corrupt and throws. */
  corrupt(fact: string): never;
}

export class Allocator {
  readonly #parts: AllocatorParts;
  readonly #lastCluster: number;
  /** Where the next search begins. */
  #cursor = 0;
  /** Where the next compressed cluster goes, 0 = to a new cluster. */
  #byteCursor = 0;

  constructor(parts: AllocatorParts) {
    this.#parts = parts;
    this.#lastCluster = MAX_HOST_OFFSET / parts.clusterSize;
  }

  /** `count` consecutive clusters, each counting 1 now; the first of them. */
  alloc(count: number): number {
    this.#parts.freed.giveBack();
    for (;;) {
      const first = this.#search(count);
      if (this.#change(first, count, 1)) {
        this.#parts.freed.aboutToUse(first, count);
        return first;
      }
    }
  }

  /** Up to `count` clusters exactly at `first`; how many were free there. */
  allocAt(first: number, count: number): number {
    this.#parts.freed.giveBack();
    for (;;) {
      const free = this.#freeFrom(first, count);
      if (free === 0 || this.#change(first, free, 1)) {
        this.#parts.freed.aboutToUse(first, free);
        return free;
      }
    }
  }

  /** Room for `bytes` of compressed data, at most a cluster of it: behind what was stored last if it fits. */
  allocBytes(bytes: number, farthest: number): number {
    const { refcounts, clusterSize, l2Cache, freed } = this.#parts;
    freed.giveBack();
    let at = this.#byteCursor;
    if (at !== 0) {
      // A cluster that was freed meanwhile, or that cannot be shared by more, is not gone on with.
      const count = refcounts.get(Math.floor(at / clusterSize));
      if (count === 0 || count === this.#most) at = 0;
    }
    let room = clusterSize - (at % clusterSize);
    for (;;) {
      if (at === 0 || room < bytes) {
        const next = this.#search(1, farthest) * clusterSize;
        freed.aboutToUse(next / clusterSize, 1);
        if (at === 0 || Math.ceil(at / clusterSize) * clusterSize !== next) at = next;
        else room += clusterSize;
      }
      const [first, count] = this.#span(at, bytes);
      if (this.#change(first, count, 1)) break;
      at = 0;
    }
    l2Cache.dependsOn(refcounts.cache);
    this.#byteCursor = (at + bytes) % clusterSize === 0 ? 0 : at + bytes;
    return at;
  }

  /** One more reference to each cluster that [at, at + bytes) touches. */
  reference(at: number, bytes: number): void {
    const [first, count] = this.#span(at, bytes);
    while (!this.#change(first, count, 1)) {
      // A refcount block was made; now it is there.
    }
  }

  /** One reference less to each cluster that [at, at + bytes) touches. */
  free(at: number, bytes: number, kind: FreeKind): void {
    if (bytes === 0) return;
    const { refcounts, l2Cache } = this.#parts;
    refcounts.cache.dependsOn(l2Cache);
    const [first, count] = this.#span(at, bytes);
    while (!this.#change(first, count, -1, kind)) {
      // As above: only a count that is wrong anyway lies in a block that is missing.
    }
  }

  /** The largest count. */
  get #most(): number {
    return mostOf(this.#parts.refcounts.bits);
  }

  /** All counts were replaced: the next search begins at the header. */
  restart(): void {
    this.#cursor = 0;
    this.#byteCursor = 0;
  }

  lowerCursor(cluster: number): void {
    this.#cursor = Math.min(this.#cursor, cluster);
  }

  #span(at: number, bytes: number): [first: number, count: number] {
    const { clusterSize } = this.#parts;
    const first = Math.floor(at / clusterSize);
    return [first, bytes === 0 ? 0 : Math.floor((at + bytes - 1) / clusterSize) + 1 - first];
  }

  #search(count: number, farthest = this.#lastCluster): number {
    const { refcounts } = this.#parts;
    const { perBlock, bits } = refcounts;
    let start = this.#cursor;
    for (let at = start; at - start < count; ) {
      const block = refcounts.blockOf(at);
      const blockStart = at - (at % perBlock);
      const end = Math.min(blockStart + perBlock, start + count);
      const used = block ? firstUsed(block.view, bits, at - blockStart, end - blockStart) : -1;
      if (!block || used < 0) {
        at = end;
        continue;
      }
      const free = firstFree(block.view, bits, used + 1, perBlock);
      start = blockStart + (free < 0 ? perBlock : free);
      at = start;
    }
    this.#cursor = start + count;
    if (this.#cursor - 1 > farthest) {
      throw new DiskwrightError('no-space', `qcow2: the image file would grow beyond ${farthest} clusters.`);
    }
    return start;
  }

  #freeFrom(first: number, count: number): number {
    const { refcounts } = this.#parts;
    const { perBlock, bits } = refcounts;
    for (let at = first; at < first + count; ) {
      const blockStart = at - (at % perBlock);
      const end = Math.min(blockStart + perBlock, first + count);
      const block = refcounts.blockOf(at);
      const used = block ? firstUsed(block.view, bits, at - blockStart, end - blockStart) : -1;
      if (used >= 0) return blockStart + used - first;
      at = end;
    }
    return count;
  }

  /**
   * Adds `by` to the counts of [first, first + count). False: a refcount block had to be made first and nothing is
   * changed; the caller decides anew. Throws, with nothing changed, where a count would leave its width.
   */
  #change(first: number, count: number, by: 1 | -1, kind: FreeKind = 'never'): boolean {
    const { refcounts } = this.#parts;
    const { perBlock } = refcounts;
    for (let at = first; at < first + count; ) {
      const end = Math.min(first + count, at - (at % perBlock) + perBlock);
      const block = refcounts.blockOf(at);
      if (!block) {
        this.#makeBlock(at);
        // The same clusters are tried first when the search begins again.
        this.lowerCursor(first);
        if (at > first) this.#change(first, at - first, by === 1 ? -1 : 1);
        return false;
      }
      const wrong = this.#changeInBlock(block, at, end, by, kind);
      if (wrong < end) {
        if (wrong > first) this.#change(first, wrong - first, by === 1 ? -1 : 1);
        throw this.#outOfWidth(wrong, by);
      }
      at = end;
    }
    return true;
  }

  #outOfWidth(cluster: number, by: 1 | -1): DiskwrightError {
    if (by < 0) return new DiskwrightError('corrupt', `qcow2: cluster ${cluster} is freed, but its refcount is 0.`);
    const { bits } = this.#parts.refcounts;
    return new DiskwrightError(
      'out-of-range',
      `qcow2: cluster ${cluster} has as many references as ${bits} bits can count.`,
      { fix: 'Amend the image to wider refcounts: refcount_bits.' },
    );
  }

  /** Returns `end`, or the first cluster whose count cannot change. */
  #changeInBlock(block: { view: DataView; offset: number }, at: number, end: number, by: 1 | -1, kind: FreeKind) {
    const { refcounts, clusterSize } = this.#parts;
    const { perBlock, bits, cache } = refcounts;
    const { view } = block;
    const blockStart = at - (at % perBlock);
    // Marked first: dropping a freed table below may be what makes this block the oldest.
    cache.markDirty(block);
    const most = this.#most;
    for (let cluster = at; cluster < end; cluster++) {
      const slot = cluster - blockStart;
      const count = refcountAt(view, slot, bits) + by;
      if (count < 0 || count > most) return cluster;
      setRefcount(view, slot, bits, count);
      if (count === 0) {
        if (cluster < this.#cursor) this.#cursor = cluster;
        // Something else may lie there by the time of the next compressed cluster.
        if (Math.floor(this.#byteCursor / clusterSize) === cluster) this.#byteCursor = 0;
        this.#dropTables(cluster * clusterSize, block.offset);
        this.#parts.freed.add(cluster, kind);
      }
    }
    return end;
  }

  /** What is no longer a table must not be written over what comes to its place. */
  #dropTables(at: number, block: number): void {
    const { l2Cache, refcounts, clusterSize } = this.#parts;
    if (at !== block) refcounts.cache.drop(at);
    for (let slice = at; slice < at + clusterSize; slice += l2Cache.tableBytes) l2Cache.drop(slice);
  }

  /** Makes the refcount block that counts `cluster`, and a larger table where the old one is full. */
  #makeBlock(cluster: number): void {
    const { refcounts, l2Cache, tables, clusterSize } = this.#parts;
    const { perBlock, bits, cache } = refcounts;
    const index = Math.floor(cluster / perBlock);
    // The refcount table is about to be written, which may depend on L2 tables.
    l2Cache.flush();
    const place = this.#search(1, Number.MAX_SAFE_INTEGER);
    if (place === 0) this.#parts.corrupt('a refcount block would lie at the header');
    const describesItself = Math.floor(place / perBlock) === index;
    if (!describesItself) {
      // Its own count comes first; it recurses at most until a block describes itself.
      if (!this.#change(place, 1, 1)) return;
      cache.flush();
    }
    const block = cache.getEmpty(place * clusterSize);
    if (describesItself) setRefcount(block.view, place % perBlock, bits, 1);
    cache.markDirty(block);
    cache.flush();
    if (index < refcounts.blocks.length) tables.hook(index, place * clusterSize);
    else {
      const used = Math.ceil(Math.max(cluster + 1, place) / perBlock);
      const old = tables.move(used * perBlock, 'generous', { index, offset: place * clusterSize });
      this.free(old.offset, old.bytes, 'other');
    }
  }
}
