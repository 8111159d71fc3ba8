/** A set of cluster numbers: bits in pages that exist only where something is. */
const PAGE = 4096;

export class ClusterSet {
  readonly #pages = new Map<number, Uint32Array>();

  add(cluster: number): void {
    const index = Math.floor(cluster / PAGE);
    let page = this.#pages.get(index);
    if (!page) {
      page = new Uint32Array(PAGE / 32);
      this.#pages.set(index, page);
    }
    const bit = cluster - index * PAGE;
    page[bit >>> 5] = (page[bit >>> 5] ?? 0) | (1 << (bit & 31));
  }

  delete(cluster: number): void {
    const page = this.#pages.get(Math.floor(cluster / PAGE));
    const bit = cluster % PAGE;
    if (page) page[bit >>> 5] = (page[bit >>> 5] ?? 0) & ~(1 << (bit & 31));
  }

  has(cluster: number): boolean {
    const page = this.#pages.get(Math.floor(cluster / PAGE));
    const bit = cluster % PAGE;
    return page !== undefined && (((page[bit >>> 5] ?? 0) >>> (bit & 31)) & 1) === 1;
  }

  /** Any of [first, first + count). */
  hasAny(first: number, count: number): boolean {
    const end = first + count;
    for (let cluster = first; cluster < end; ) {
      const index = Math.floor(cluster / PAGE);
      if (!this.#pages.has(index)) cluster = (index + 1) * PAGE;
      else if (this.has(cluster)) return true;
      else cluster++;
    }
    return false;
  }

  clear(): void {
    this.#pages.clear();
  }
}
