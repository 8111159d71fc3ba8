/**
 * Where clusters of a new image go: qemu-img's first-fit allocator, a whole run at a time.
 *
 * A new file is one used stretch with a few holes, so free space is a short list, and refcounts need no
 * storage at all: a cluster counts 1 below `end` unless it lies in a hole. What must be kept to the letter
 * is the order of events (create-layout.md §2 and §6): the cursor that every search moves, the refcount
 * block that lands right behind the run that needed it, the restart after each new block.
 */
import { divideUp } from '../../bytes/math.ts';
import { assert, DiskwrightError } from '../../errors.ts';
import { type Geometry, refcountNeed, wholeTable } from './geometry.ts';
import { MAX_HOST_OFFSET, MAX_REFCOUNT_TABLE_BYTES } from './limits.ts';

/** A run of cluster numbers [first, first + count). */
export interface ClusterRun {
  readonly first: number;
  readonly count: number;
}

/** A refcount table that was given up; its bytes stay in the file until its clusters are used again. */
export interface StaleTable extends ClusterRun {
  /** Cluster number of block i, 0 = none, as the table last stood on disk. */
  readonly blocks: readonly number[];
}

interface Hole {
  first: number;
  count: number;
}

/** First clusters of every image: header, refcount table, refcount block 0. */
const BOOTSTRAP = 3;

function tooLarge(fact: string): DiskwrightError {
  return new DiskwrightError('out-of-range', `The disk is too large to preallocate with these clusters: ${fact}.`, {
    option: 'cluster_size',
    fix: 'Choose a larger cluster size, or preallocation off',
  });
}

export class Placement {
  readonly #geometry: Geometry;
  readonly #lastCluster: number;
  /** Unused stretches below `end`, ascending, never touching each other or `end`. */
  readonly #holes: Hole[] = [];
  /** Cluster number of refcount block i, 0 or absent = none. */
  readonly blocks: number[] = [2];
  readonly staleTables: StaleTable[] = [];
  table: ClusterRun = { first: 1, count: 1 };
  /** One past the highest cluster in use. */
  end = BOOTSTRAP;
  #cursor = BOOTSTRAP;

  constructor(geometry: Geometry) {
    this.#geometry = geometry;
    this.#lastCluster = MAX_HOST_OFFSET / geometry.clusterSize;
  }

  get holes(): readonly ClusterRun[] {
    return this.#holes;
  }

  /** Allocates `count` consecutive clusters and returns the first. */
  alloc(count: number): number {
    for (;;) {
      const first = this.#search(count);
      if (this.#account(first, count)) return first;
    }
  }

  /** Allocates up to `count` clusters exactly at `first`; returns how many were free there. */
  allocAt(first: number, count: number): number {
    for (;;) {
      const free = this.#freeFrom(first, count);
      if (free === 0 || this.#account(first, free)) return free;
    }
  }

  /**
   * Makes room for counting `clusters` more behind the end, at once and exactly: missing blocks, then a
   * table for all of them; the old table is given up (create-layout.md §5 c and d). Returns the first
   * cluster behind it.
   */
  reserveRefcounts(clusters: number): number {
    const base = this.end;
    const { blocks } = refcountNeed(base + clusters, this.#geometry, false);
    return this.#moveTable(base, blocks, wholeTable(blocks, this.#geometry));
  }

  /** Takes clusters whose refcount blocks exist already. */
  takeReserved(first: number, count: number): void {
    assert(this.#freeFrom(first, count) === count, 'reserved clusters are free');
    this.#take(first, count);
  }

  #search(count: number): number {
    for (const hole of this.#holes) {
      const first = Math.max(hole.first, this.#cursor);
      if (hole.first + hole.count - first >= count) {
        this.#cursor = first + count;
        return first;
      }
    }
    const first = Math.max(this.end, this.#cursor);
    if (first + count > this.#lastCluster) throw tooLarge('a cluster would lie beyond 64 PiB of file');
    this.#cursor = first + count;
    return first;
  }

  #freeFrom(first: number, count: number): number {
    if (first >= this.end) return count;
    const hole = this.#holes.find((one) => first >= one.first && first < one.first + one.count);
    return hole ? Math.min(count, hole.first + hole.count - first) : 0;
  }

  /** Counts [first, first + count) as used. False: a refcount block was made first, search again. */
  #account(first: number, count: number): boolean {
    const { blockRefcounts } = this.#geometry;
    let done = first;
    while (done < first + count) {
      const block = Math.floor(done / blockRefcounts);
      if (!this.blocks[block]) {
        this.#makeBlock(done, block);
        this.#cursor = Math.min(this.#cursor, first);
        if (done > first) this.#release(first, done - first);
        return false;
      }
      const upTo = Math.min(first + count, (block + 1) * blockRefcounts);
      this.#take(done, upTo - done);
      done = upTo;
    }
    return true;
  }

  /** Refcount block `index`, needed to count `cluster`. It is not hooked when its own place needs one first. */
  #makeBlock(cluster: number, index: number): void {
    const place = this.#search(1);
    if (Math.floor(place / this.#geometry.blockRefcounts) === index) this.#take(place, 1);
    else if (!this.#account(place, 1)) return;
    if (index >= this.table.count * this.#geometry.tableEntries) this.#growTable(cluster, index, place);
    else this.blocks[index] = place;
  }

  /** A table of half as much again, at the next block boundary (create-layout.md §6). */
  #growTable(cluster: number, index: number, place: number): void {
    const { blockRefcounts } = this.#geometry;
    const base = divideUp(Math.max(cluster, place) + 1, blockRefcounts) * blockRefcounts;
    const { blocks } = refcountNeed(base, this.#geometry, true);
    this.#moveTable(base, blocks, wholeTable(blocks + divideUp(blocks, 2), this.#geometry), { index, place });
  }

  #moveTable(base: number, blocks: number, entries: number, hook?: { index: number; place: number }): number {
    const { blockRefcounts, tableEntries, clusterSize } = this.#geometry;
    const old = this.table;
    if (entries * 8 > MAX_REFCOUNT_TABLE_BYTES) throw tooLarge('the refcount table would exceed 8 MiB');
    this.staleTables.push({ ...old, blocks: this.blocks.slice(0, (old.count * clusterSize) / 8) });
    if (hook) this.blocks[hook.index] = hook.place;
    let next = base;
    for (let index = Math.floor(base / blockRefcounts); index < blocks; index++) {
      while (this.blocks.length < index) this.blocks.push(0);
      if (!this.blocks[index]) this.blocks[index] = next++;
    }
    const count = entries / tableEntries;
    this.table = { first: next, count };
    this.#take(base, next + count - base);
    this.#release(old.first, old.count);
    return next + count;
  }

  #take(first: number, count: number): void {
    if (first >= this.end) {
      if (first > this.end) this.#holes.push({ first: this.end, count: first - this.end });
      this.end = first + count;
      return;
    }
    const at = this.#holes.findIndex((hole) => first >= hole.first && first < hole.first + hole.count);
    const hole = this.#holes[at];
    assert(hole !== undefined && first + count <= hole.first + hole.count, 'clusters taken are free');
    const rest: Hole[] = [];
    if (first > hole.first) rest.push({ first: hole.first, count: first - hole.first });
    const tail = hole.first + hole.count - (first + count);
    if (tail > 0) rest.push({ first: first + count, count: tail });
    this.#holes.splice(at, 1, ...rest);
  }

  #release(first: number, count: number): void {
    this.#cursor = Math.min(this.#cursor, first);
    let at = this.#holes.findIndex((hole) => hole.first > first);
    if (at < 0) at = this.#holes.length;
    this.#holes.splice(at, 0, { first, count });
    for (let i = Math.max(1, at); i <= at + 1; ) {
      const before = this.#holes[i - 1];
      const hole = this.#holes[i];
      if (before && hole && before.first + before.count === hole.first) {
        before.count += hole.count;
        this.#holes.splice(i, 1);
        at--;
      } else i++;
    }
    const last = this.#holes.at(-1);
    if (last && last.first + last.count === this.end) {
      this.end = last.first;
      this.#holes.pop();
    }
  }
}
