/**
 * Walks L2 tables: marks what their entries refer to and finds what is wrong with the entries themselves.
 *
 * A table of a healthy image is a few runs of consecutive clusters, so entries are compared with what would
 * continue the run, two words at a time; only the first entry of a run is looked at closely.
 */
import {
  COMPRESSED,
  COPIED,
  compressedRange,
  extendedKindOf,
  Kind,
  kindOf,
  l2Reserved,
  offsetOf,
  READS_ZERO,
} from '../entry.ts';
import type { ImageHeader } from '../image-header.ts';
import type { Findings } from './findings.ts';
import { type CopiedCheck, copiedFact, entryOf } from './l1-tables.ts';
import type { Marker } from './marker.ts';

/** How often a table is referenced: by any L1 table, and by the active one. */
export interface TableUse {
  readonly offset: number;
  readonly all: number;
  readonly active: number;
}

export interface Tally {
  allocated: number;
  fragmented: number;
  compressed: number;
}

interface Context {
  readonly header: ImageHeader;
  readonly dataFile: boolean;
  readonly marker: Marker;
  readonly findings: Findings;
  readonly copied: CopiedCheck | undefined;
  readonly tally: Tally;
  /** Repairs an entry that keeps a place nobody can use and has no data there: it reads as zeros afterwards. */
  readonly zeroEntry?: ((use: TableUse, table: DataView, at: number) => boolean) | undefined;
}

export class L2Walk {
  readonly #context: Context;
  readonly #entryBytes: number;
  /** Where the next allocated cluster of this table would continue the one before. */
  #next = 0;
  #table: DataView = new DataView(new ArrayBuffer(0));

  constructor(context: Context) {
    this.#context = context;
    this.#entryBytes = context.header.extendedL2 ? 16 : 8;
  }

  walk(table: DataView, use: TableUse): void {
    this.#next = 0;
    this.#table = table;
    const { clusterSize } = this.#context.header;
    const step = this.#entryBytes;
    for (let at = 0; at < table.byteLength; ) {
      const upper = table.getInt32(at);
      const lower = table.getInt32(at + 4);
      if ((upper | lower) === 0 && step === 8) {
        at += step;
        continue;
      }
      if (step === 16) {
        this.#extendedEntry(table, at, use);
        at += step;
        continue;
      }
      // How far does the run of this entry go?
      let count = 1;
      let nextUpper = upper;
      let nextLower = (lower + clusterSize) | 0;
      if ((nextLower & ~READS_ZERO) === 0) nextUpper = (nextUpper + 1) | 0;
      const mayRun = (upper & COMPRESSED) === 0 && offsetOf(upper, lower) !== 0;
      for (let next = at + 8; mayRun && next < table.byteLength; next += 8) {
        if (table.getInt32(next) !== nextUpper || table.getInt32(next + 4) !== nextLower) break;
        count++;
        nextLower = (nextLower + clusterSize) | 0;
        if ((nextLower & ~READS_ZERO) === 0) nextUpper = (nextUpper + 1) | 0;
      }
      this.#standardRun(upper, lower, count, at / 8, use);
      at += count * 8;
    }
  }

  #standardRun(upper: number, lower: number, count: number, index: number, use: TableUse): void {
    const { findings, dataFile } = this.#context;
    const kind = kindOf(upper, lower, dataFile);
    if (kind !== Kind.compressed && l2Reserved(upper, lower)) {
      this.#forEach(count, use.all, (i) =>
        findings.corruption(`L2 table at ${use.offset}, entry ${index + i}: reserved bits are set`),
      );
    }
    if (kind === Kind.compressed) this.#compressed(upper, lower, index, use);
    else if (kind === Kind.normal || kind === Kind.zeroAllocated) {
      if (!this.#misplaced(upper, lower, count, index, use, kind === Kind.zeroAllocated)) {
        this.#placed(upper, lower, count, index, use);
      }
    }
  }

  /** Finds runs that are not aligned; true where all of the run has been repaired and refers to nothing any more. */
  #misplaced(upper: number, lower: number, count: number, index: number, use: TableUse, empty: boolean): boolean {
    const { header, findings, zeroEntry } = this.#context;
    const { clusterSize } = header;
    const offset = offsetOf(upper, lower);
    if (offset % clusterSize === 0) return false;
    let left = count;
    for (let i = 0; i < count; i++) {
      const place = `L2 table at ${use.offset}, entry ${index + i}: cluster at ${offset + i * clusterSize}, not aligned`;
      if (empty && zeroEntry?.(use, this.#table, (index + i) * this.#entryBytes)) {
        findings.corruption(place, true);
        left--;
      } else findings.corruption(place, false, use.all);
    }
    return left === 0;
  }

  #extendedEntry(table: DataView, at: number, use: TableUse): void {
    const { findings, dataFile } = this.#context;
    const upper = table.getInt32(at);
    const lower = table.getInt32(at + 4);
    const zero = table.getUint32(at + 8);
    const allocated = table.getUint32(at + 12);
    if ((upper | lower | zero | allocated) === 0) return;
    const index = at / 16;
    const place = `L2 table at ${use.offset}, entry ${index}`;
    const kind = extendedKindOf(upper, lower, allocated, zero, dataFile);
    // QEMU does not mind bit 0 here, which has no meaning.
    if (kind !== Kind.compressed && l2Reserved(upper, lower)) {
      findings.corruption(`${place}: reserved bits are set`, false, use.all);
    }
    if (kind === Kind.compressed) {
      this.#compressed(upper, lower, index, use, (zero | allocated) !== 0);
      return;
    }
    const placed = offsetOf(upper, lower) !== 0 || (dataFile && (upper & COPIED) !== 0);
    if (!placed && allocated !== 0) {
      findings.corruption(`${place}: subclusters are allocated, but no cluster is`, false, use.all);
    }
    if (!placed) return;
    if ((zero & allocated) !== 0) {
      findings.corruption(`${place}: subclusters are both allocated and zero`, false, use.all);
    }
    if (!this.#misplaced(upper, lower, 1, index, use, allocated === 0)) this.#placed(upper, lower, 1, index, use);
  }

  #compressed(upper: number, lower: number, index: number, use: TableUse, subclusters = false): void {
    const { findings, dataFile, header, marker, tally } = this.#context;
    const place = `L2 table at ${use.offset}, entry ${index}`;
    if ((upper & COPIED) !== 0) {
      findings.corruption(`${place}: a compressed cluster is marked COPIED`, false, use.all);
    }
    if (dataFile) {
      findings.corruption(`${place}: a compressed cluster beside a data file`, false, use.all);
      return;
    }
    if (subclusters) {
      findings.corruption(`${place}: a compressed cluster with subclusters`, false, use.all);
      return;
    }
    const { at, length } = compressedRange(upper & ~COPIED, lower, header.clusterBits);
    marker.mark(`the compressed cluster of ${place}`, at, length, use.all);
    tally.allocated += use.active;
    tally.compressed += use.active;
    tally.fragmented += use.active;
  }

  /** `count` entries for consecutive host clusters, these words being the first. */
  #placed(upper: number, lower: number, count: number, index: number, use: TableUse): void {
    const offset = offsetOf(upper, lower);
    const { dataFile, header, marker, tally } = this.#context;
    const { clusterSize } = header;
    if (use.active > 0) {
      tally.allocated += count * use.active;
      if (this.#next !== 0 && offset !== this.#next) tally.fragmented += use.active;
    }
    this.#next = offset + count * clusterSize;
    if (!dataFile) {
      const first = offset / clusterSize;
      if (!Number.isInteger(first) || !marker.markRun(first, count, use.all)) {
        for (let i = 0; i < count; i++) {
          marker.mark(
            `the data of L2 table at ${use.offset}, entry ${index + i}`,
            offset + i * clusterSize,
            clusterSize,
            use.all,
          );
        }
      }
    }
    // An L1 entry of reserved bits alone leads to offset 0, where nothing is expected to be COPIED.
    if (use.active > 0 && use.offset !== 0) this.#checkCopied(upper, lower, count, index, use);
  }

  /** COPIED is set exactly where the stored count is 1; data files count as 1 everywhere. */
  #checkCopied(upper: number, lower: number, count: number, index: number, use: TableUse): void {
    const { findings, dataFile, header, copied } = this.#context;
    if (!copied) return;
    const offset = offsetOf(upper, lower);
    const entry = entryOf(upper, lower);
    const marked = (upper & COPIED) !== 0;
    const { ones, storedCount } = copied;
    const first = Math.floor(offset / header.clusterSize);
    if (marked && (dataFile || ones.hasAll(first, count))) return;
    if (!ones.isReadable(Math.floor(use.offset / header.clusterSize))) return;
    for (let i = 0; i < count; i++) {
      const one = dataFile || ones.has(first + i);
      if (one === marked || !(dataFile || ones.isReadable(first + i))) continue;
      this.#forEach(1, use.active, () =>
        findings.copied(
          `data cluster at ${offset + i * header.clusterSize} (L2 table at ${use.offset}, entry ${index + i}): ${copiedFact(marked)}`,
          () => ({
            entry: entry + BigInt(i * header.clusterSize),
            stored: dataFile ? 1 : storedCount(first + i),
          }),
        ),
      );
    }
  }

  #forEach(count: number, times: number, report: (i: number) => void): void {
    for (let i = 0; i < count; i++) for (let n = 0; n < times; n++) report(i);
  }
}
