/**
 * Repairs of table entries: places that nobody can use are given up, and COPIED is set where a cluster counts 1 and
 * nowhere else. No write hits a table of another kind: then something is seriously wrong, and the entry stays.
 */
import type { WritableDevice } from '../../../device/device.ts';
import type { CheckProgress } from '../../../image/report.ts';
import { COMPRESSED, COPIED, offsetOf, READS_ZERO } from '../entry.ts';
import type { ImageHeader } from '../image-header.ts';
import type { MetadataMap } from '../tables/metadata-map.ts';
import { isExternal } from '../validate.ts';
import type { Findings } from './findings.ts';
import { copiedFact, entryOf, readL1Entries } from './l1-tables.ts';
import type { TableUse } from './l2-tables.ts';
import { CountsOne, readRefcountTable, storedCount } from './stored-refcounts.ts';
import { PROGRESS_BYTES } from './survey.ts';

/** Makes entries without data read as zeros, in the table and in the file. `places` is asked for at the first one. */
export function entryZeroer(
  device: WritableDevice,
  { extendedL2 }: ImageHeader,
  findings: Findings,
  places: () => MetadataMap,
): (use: TableUse, table: DataView, at: number) => boolean {
  let map: MetadataMap | undefined;
  const length = extendedL2 ? 16 : 8;
  return (use, table, at) => {
    map ??= places();
    const place = use.offset + at;
    const hit = map.hit(place, length, use.active > 0 ? 'activeL2' : 'inactiveL2');
    if (hit !== undefined) {
      findings.failure(`the L2 entry at ${place} cannot be repaired: it is part of ${hit}`);
      return false;
    }
    table.setUint32(at, 0);
    table.setUint32(at + 4, extendedL2 ? 0 : READS_ZERO);
    if (extendedL2) {
      // What was allocated reads as zeros now; the rest stays as it is.
      table.setUint32(at + 8, table.getUint32(at + 8) | table.getUint32(at + 12));
      table.setUint32(at + 12, 0);
    }
    device.write(place, new Uint8Array(table.buffer, table.byteOffset + at, length));
    return true;
  };
}

export interface CopiedRepair {
  readonly device: WritableDevice;
  readonly header: ImageHeader;
  readonly findings: Findings;
  readonly repairing: boolean;
  readonly places: () => MetadataMap;
}

/** COPIED of the active tables against the counts that are stored now. */
export function* checkCopied(repair: CopiedRepair): Generator<CheckProgress, void> {
  const { device, header } = repair;
  const stored = readRefcountTable(device, header);
  const ones = new CountsOne(stored.blockRefcounts, header.refcountBits);
  for (const _ of ones.learn(device, stored, header.clusterSize)) {
    // Counts are read fast, next to the tables.
  }
  const countOf = (cluster: number): number => storedCount(device, stored, header.refcountBits, cluster);
  const pass = new CopiedPass(repair, ones, countOf);
  pass.l1();
  yield* pass.l2();
}

class CopiedPass {
  readonly #repair: CopiedRepair;
  readonly #ones: CountsOne;
  readonly #countOf: (cluster: number) => number;
  readonly #tables = new Map<number, number>();
  #map: MetadataMap | undefined;

  constructor(repair: CopiedRepair, ones: CountsOne, countOf: (cluster: number) => number) {
    this.#repair = repair;
    this.#ones = ones;
    this.#countOf = countOf;
  }

  /** The L1 table, whose entries are written one by one. */
  l1(): void {
    const { device, header, findings } = this.#repair;
    const word = new Uint8Array(4);
    readL1Entries(device, header.l1, (index, upper, lower) => {
      const offset = offsetOf(upper, lower);
      if (offset === 0) return;
      const cluster = Math.floor(offset / header.clusterSize);
      if (!this.#ones.isReadable(cluster)) return;
      this.#tables.set(offset, (this.#tables.get(offset) ?? 0) + 1);
      const marked = (upper & COPIED) !== 0;
      if (this.#ones.has(cluster) === marked) return;
      const place = header.l1.offset + index * 8;
      const repaired = this.#mayWrite('the L1 entry', place, 8, 'activeL1');
      if (repaired) {
        new DataView(word.buffer).setInt32(0, upper ^ COPIED);
        device.write(place, word);
      }
      const text = `L2 table at ${offset} (the L1 table, entry ${index}): ${copiedFact(marked)}`;
      const stored = this.#countOf(cluster);
      findings.copied(text, () => ({ l1Index: index, entry: entryOf(upper, lower), stored }), repaired);
    });
  }

  /** The L2 tables, each of which is written as a whole. */
  *l2(): Generator<CheckProgress, void> {
    const { device, header } = this.#repair;
    const bytes = new Uint8Array(header.clusterSize);
    const view = new DataView(bytes.buffer);
    let since = 0;
    let done = 0;
    for (const [offset, times] of this.#tables) {
      if (offset >= device.size) continue;
      device.read(offset, bytes);
      this.#table(view, offset, times);
      done++;
      since += bytes.length;
      if (since < PROGRESS_BYTES) continue;
      since = 0;
      yield { done, total: this.#tables.size };
    }
  }

  #table(table: DataView, offset: number, times: number): void {
    const wrong = this.#wrongEntries(table);
    if (wrong.length === 0) return;
    const { device, findings } = this.#repair;
    const repaired = this.#mayWrite('the L2 table', offset, table.byteLength, 'activeL2');
    for (const at of wrong) {
      const upper = table.getInt32(at);
      const lower = table.getInt32(at + 4);
      const stored = isExternal(this.#repair.header) ? 1 : this.#countOf(this.#clusterOf(upper, lower));
      const entry = at / (this.#repair.header.extendedL2 ? 16 : 8);
      const fact = copiedFact((upper & COPIED) !== 0);
      const text = `data cluster at ${offsetOf(upper, lower)} (L2 table at ${offset}, entry ${entry}): ${fact}`;
      // A table that several L1 entries share is met once for each of them, but needs one repair.
      for (let i = 0; i < (repaired ? 1 : times); i++) {
        findings.copied(text, () => ({ entry: entryOf(upper, lower), stored }), repaired);
      }
      table.setInt32(at, upper ^ COPIED);
    }
    if (repaired) device.write(offset, new Uint8Array(table.buffer));
  }

  /** Where in the table entries are marked wrongly. */
  #wrongEntries(table: DataView): number[] {
    const { header } = this.#repair;
    const external = isExternal(header);
    const step = header.extendedL2 ? 16 : 8;
    const wrong: number[] = [];
    for (let at = 0; at < table.byteLength; at += step) {
      const upper = table.getInt32(at);
      const lower = table.getInt32(at + 4);
      if ((upper | lower) === 0 || (upper & COMPRESSED) !== 0) continue;
      const marked = (upper & COPIED) !== 0;
      if (offsetOf(upper, lower) === 0 && !(external && marked)) continue;
      const cluster = this.#clusterOf(upper, lower);
      const one = external || this.#ones.has(cluster);
      if (one !== marked && (external || this.#ones.isReadable(cluster))) wrong.push(at);
    }
    return wrong;
  }

  #clusterOf(upper: number, lower: number): number {
    return Math.floor(offsetOf(upper, lower) / this.#repair.header.clusterSize);
  }

  #mayWrite(what: string, at: number, bytes: number, own: 'activeL1' | 'activeL2'): boolean {
    if (!this.#repair.repairing) return false;
    this.#map ??= this.#repair.places();
    const hit = this.#map.hit(at, bytes, own);
    if (hit === undefined) return true;
    this.#repair.findings.failure(`${what} at ${at} cannot be repaired: it is part of ${hit}`);
    return false;
  }
}
