/** Marks stretches of the file as referenced; what lies outside the file is a finding instead. */
import type { Findings } from './findings.ts';
import type { ReferenceCounts } from './reference-counts.ts';

export class Marker {
  readonly #counts: ReferenceCounts;
  readonly #findings: Findings;
  readonly #clusterSize: number;
  readonly #fileLength: number;

  constructor(counts: ReferenceCounts, findings: Findings, clusterSize: number, fileLength: number) {
    this.#counts = counts;
    this.#findings = findings;
    this.#clusterSize = clusterSize;
    this.#fileLength = fileLength;
  }

  /**
   * `times` references to bytes [at, at + length). The last cluster of a file may reach beyond its end, a
   * whole cluster beyond it is a corruption (counted once per reference) and not counted further.
   */
  mark(what: string, at: number, length: number, times = 1): void {
    if (length <= 0) return;
    if (at + length - this.#fileLength >= this.#clusterSize) {
      for (let i = 0; i < times; i++) {
        this.#findings.corruption(`${what} at ${at}: ${length} bytes, beyond the end of the file`);
      }
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
    for (let i = 0; i < overflow; i++) {
      this.#findings.corruption(`clusters from ${first}: more references than the refcount width can count`);
    }
  }
}
