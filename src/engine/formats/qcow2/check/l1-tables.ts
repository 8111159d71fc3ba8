/** Walks L1 tables and gathers which L2 tables they refer to, each with how often. */
import type { ReadableDevice } from '../../../device/device.ts';
import { l1Reserved, offsetOf } from '../entry.ts';
import { NumberList } from '../growable.ts';
import type { ImageHeader } from '../image-header.ts';
import type { Findings } from './findings.ts';
import type { TableUse } from './l2-tables.ts';
import type { Marker } from './marker.ts';
import { type CountsOne, readTable } from './stored-refcounts.ts';

/** What is asked of COPIED; absent while a repair has the counts still to set right. */
export interface CopiedCheck {
  readonly ones: CountsOne;
  readonly storedCount: (cluster: number) => number;
}

interface Context {
  readonly device: ReadableDevice;
  readonly header: ImageHeader;
  readonly marker: Marker;
  readonly findings: Findings;
  readonly copied: CopiedCheck | undefined;
}

/**
 * The L1 entries that lie inside the file: those behind its end read as zeros, nothing to see there however many are
 * claimed.
 */
export function readL1Entries(
  device: ReadableDevice,
  l1: { readonly offset: number; readonly entries: number },
  use: (index: number, upper: number, lower: number) => void,
): void {
  const bytes = Math.min(l1.entries * 8, Math.max(0, device.size - l1.offset + 8));
  readTable(device, l1.offset, bytes - (bytes % 8), (view, from) => {
    for (let at = 0; at < view.byteLength; at += 8) {
      const upper = view.getInt32(at);
      const lower = view.getInt32(at + 4);
      if ((upper | lower) !== 0) use((from + at) / 8, upper, lower);
    }
  });
}

export const entryOf = (upper: number, lower: number): bigint => (BigInt(upper >>> 0) << 32n) | BigInt(lower >>> 0);

/** What is wrong with an entry that is marked, or is not. */
export const copiedFact = (marked: boolean): string =>
  marked ? 'marked COPIED but does not count 1' : 'counts 1 but is not marked COPIED';

export class L1Walk {
  readonly #context: Context;
  readonly #active = new NumberList();
  readonly #all = new NumberList();

  constructor(context: Context) {
    this.#context = context;
  }

  walk(name: string, l1: { readonly offset: number; readonly entries: number }, active: boolean): void {
    const { device, header, marker, findings } = this.#context;
    const { clusterSize } = header;
    marker.mark(name, l1.offset, l1.entries * 8);
    readL1Entries(device, l1, (index, upper, lower) => {
      const place = `${name}, entry ${index}`;
      if (l1Reserved(upper, lower)) findings.corruption(`${place}: reserved bits are set`);
      const offset = offsetOf(upper, lower);
      if (offset % clusterSize !== 0) findings.corruption(`${place}: L2 table at ${offset}, not aligned`);
      marker.mark(`the L2 table of ${place}`, offset, clusterSize);
      if (active && offset !== 0) this.#checkCopied(place, index, upper, lower);
      this.#all.push(offset);
      if (active) this.#active.push(offset);
    });
  }

  #checkCopied(place: string, index: number, upper: number, lower: number): void {
    const { copied, header, findings } = this.#context;
    if (!copied) return;
    const offset = offsetOf(upper, lower);
    const cluster = Math.floor(offset / header.clusterSize);
    const marked = upper < 0;
    if (copied.ones.has(cluster) === marked || !copied.ones.isReadable(cluster)) return;
    const detail = () => ({ l1Index: index, entry: entryOf(upper, lower), stored: copied.storedCount(cluster) });
    findings.copied(`L2 table at ${offset} (${place}): ${copiedFact(marked)}`, detail);
  }

  /**
   * Each L2 table that was met and begins inside the file, once, however many L1 entries share it: snapshots
   * share most of theirs, and a hostile image could name one table a million times.
   */
  *tables(): Generator<TableUse> {
    const all = this.#all.sorted();
    const active = this.#active.sorted();
    let a = 0;
    for (let i = 0; i < all.length; ) {
      const offset = all[i] ?? 0;
      let count = 0;
      for (; i < all.length && all[i] === offset; i++) count++;
      let activeCount = 0;
      for (; a < active.length && (active[a] ?? 0) <= offset; a++) if (active[a] === offset) activeCount++;
      if (offset < this.#context.device.size) yield { offset, all: count, active: activeCount };
    }
  }
}
