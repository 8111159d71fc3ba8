/** Marks stretches of the file as referenced; what lies outside the file is a finding instead. */
import { ClusterSet } from '../tables/cluster-set.ts';
import type { Findings } from './findings.ts';
import type { ReferenceCounts } from './reference-counts.ts';

/** How far a repair takes a file for granted that a refcount block lies behind: where file systems end as well. */
const MAX_EXTENDED = 2 ** 44;
const MAX_CLUSTERS = 2 ** 31;

/** References behind the end of the file are kept one by one up to so many. */
const MAX_BEYOND = 1 << 18;

/** What tables refer to behind the end of the file: an image that was cut off wants its clusters back. */
export class Beyond {
  readonly #clusters = new ClusterSet();
  #count = 0;

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  /** There are so many that nobody knows where there are none. */
  get isEverywhere(): boolean {
    return this.#count >= MAX_BEYOND;
  }

  add(first: number, end: number): void {
    this.#count += end - first;
    if (this.isEverywhere) return;
    for (let cluster = first; cluster < end; cluster++) this.#clusters.add(cluster);
  }

  /** The last cluster of [first, end) that is referred to, or undefined. */
  lastIn(first: number, end: number): number | undefined {
    for (let cluster = end - 1; cluster >= first; cluster--) if (this.#clusters.has(cluster)) return cluster;
    return undefined;
  }
}

export class Marker {
  readonly #counts: ReferenceCounts;
  readonly #findings: Findings;
  readonly #clusterSize: number;
  #fileLength: number;
  readonly beyond = new Beyond();

  constructor(counts: ReferenceCounts, findings: Findings, clusterSize: number, fileLength: number) {
    this.#counts = counts;
    this.#findings = findings;
    this.#clusterSize = clusterSize;
    this.#fileLength = fileLength;
  }

  get fileLength(): number {
    return this.#fileLength;
  }

  /** End of the last cluster that the file has a part of. */
  get end(): number {
    return Math.ceil(this.#fileLength / this.#clusterSize) * this.#clusterSize;
  }

  /** Takes the file for longer than it is; false where no file could be so long. */
  extend(length: number): boolean {
    if (length > MAX_EXTENDED || length / this.#clusterSize > MAX_CLUSTERS) return false;
    this.#fileLength = length;
    return true;
  }

  /**
   * `times` references to bytes [at, at + length). The last cluster of a file may reach beyond its end, a
   * whole cluster beyond it is a corruption (counted once per reference) and not counted further.
   */
  mark(what: string, at: number, length: number, times = 1): void {
    if (length <= 0) return;
    if (at + length - this.#fileLength >= this.#clusterSize) {
      this.beyond.add(Math.floor(at / this.#clusterSize), Math.ceil((at + length) / this.#clusterSize));
      this.#findings.corruption(`${what} at ${at}: ${length} bytes, beyond the end of the file`, false, times);
      return;
    }
    const first = Math.floor(at / this.#clusterSize);
    const end = Math.floor((at + length - 1) / this.#clusterSize) + 1;
    this.#add(first, end - first, times);
  }

  /** A run of whole clusters, if all of it lies inside the file; false: mark them one by one. */
  markRun(first: number, count: number, times: number): boolean {
    if ((first + count) * this.#clusterSize - this.#fileLength >= this.#clusterSize) return false;
    this.#add(first, count, times);
    return true;
  }

  #add(first: number, count: number, times: number): void {
    const overflow = this.#counts.add(first, count, times);
    if (overflow === 0) return;
    this.#findings.corruption(
      `clusters from ${first}: more references than the refcount width can count`,
      false,
      overflow,
    );
  }
}
