/** Marks stretches of the file as referenced; what lies outside the file is a finding instead. */
import type { Findings } from './findings.ts';
import type { ReferenceCounts } from './reference-counts.ts';

/** How far a repair takes a file for granted that a refcount block lies behind: where file systems end as well. */
const MAX_EXTENDED = 2 ** 44;
const MAX_CLUSTERS = 2 ** 31;

export class Marker {
  readonly #counts: ReferenceCounts;
  readonly #findings: Findings;
  readonly #clusterSize: number;
  #fileLength: number;
  /** Something refers to what lies behind the end of the file. */
  beyond = false;

  constructor(counts: ReferenceCounts, findings: Findings, clusterSize: number, fileLength: number) {
    this.#counts = counts;
    this.#findings = findings;
    this.#clusterSize = clusterSize;
    this.#fileLength = fileLength;
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
      this.beyond = true;
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
