/**
 * How often each cluster is referenced, in pages that exist only where something is. 16 bits a cluster; the
 * rare count above that goes to a map.
 */
const PAGE = 1 << 13;
const FULL = 0xffff;

/** All counts of [from, to) are 0, two of them at a time. (Not four as a double: −0 would pass for 0.) */
function isUntouched(page: Uint16Array, from: number, to: number): boolean {
  const first = from + (from % 2);
  const last = to - (to % 2);
  if (first > from && page[from] !== 0) return false;
  if (last < to && page[last] !== 0) return false;
  if (first >= last) return true;
  const words = new Int32Array(page.buffer, first * 2, (last - first) / 2);
  for (let i = 0; i < words.length; i++) if (words[i] !== 0) return false;
  return true;
}

export class ReferenceCounts {
  readonly #pages = new Map<number, Uint16Array>();
  readonly #large = new Map<number, number>();
  /** The counts of clusters [page · PAGE, …), or undefined where all are 0. */
  page(index: number): Uint16Array | undefined {
    return this.#pages.get(index);
  }

  readonly #most: number;
  /** One past the highest cluster with a reference. */
  end = 0;

  /** `bits`: refcount width of the image. */
  constructor(bits: number) {
    this.#most = 2 ** bits - 1;
  }

  static readonly pageSize = PAGE;
  /** In a page: the count is this or more, `get` knows. */
  static readonly full = FULL;

  pageNumbers(): Iterable<number> {
    return this.#pages.keys();
  }

  get(cluster: number): number {
    const count = this.#pages.get(Math.floor(cluster / PAGE))?.[cluster % PAGE] ?? 0;
    return count === FULL ? (this.#large.get(cluster) ?? FULL) : count;
  }

  /**
   * Adds `times` references to each of `count` clusters. A count stops at the most that the image's refcount
   * width can hold; returns how many references were left out for that.
   */
  add(first: number, count: number, times: number): number {
    let overflow = 0;
    this.end = Math.max(this.end, first + count);
    const simple = Math.min(FULL - 1, this.#most);
    for (let cluster = first; cluster < first + count; ) {
      const index = Math.floor(cluster / PAGE);
      let page = this.#pages.get(index);
      if (!page) {
        page = new Uint16Array(PAGE);
        this.#pages.set(index, page);
      }
      const from = cluster - index * PAGE;
      const to = Math.min(PAGE, from + (first + count - cluster));
      if (times === 1 && isUntouched(page, from, to)) page.fill(1, from, to);
      else
        for (let i = from; i < to; i++) {
          const sum = (page[i] ?? 0) + times;
          if (sum <= simple) page[i] = sum;
          else overflow += this.#addLarge(page, index * PAGE + i, times);
        }
      cluster += to - from;
    }
    return overflow;
  }

  /** Forgets all clusters from `end` on. */
  truncate(end: number): void {
    this.end = Math.min(this.end, end);
    for (const [index, page] of this.#pages) {
      if (index * PAGE >= end) this.#pages.delete(index);
      else if ((index + 1) * PAGE > end) page.fill(0, end - index * PAGE);
    }
    for (const cluster of this.#large.keys()) if (cluster >= end) this.#large.delete(cluster);
  }

  #addLarge(page: Uint16Array, cluster: number, times: number): number {
    const sum = this.get(cluster) + times;
    const kept = Math.min(sum, this.#most);
    page[cluster % PAGE] = Math.min(kept, FULL);
    if (kept >= FULL) this.#large.set(cluster, kept);
    return sum - kept;
  }
}
