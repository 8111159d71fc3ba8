/** Walks L1 tables and gathers which L2 tables they refer to, each with how often. */
import type { ReadableDevice } from '../../../device/device.ts';
import { l1Reserved, offsetOf } from '../entry.ts';
import { NumberList } from '../growable.ts';
import type { ImageHeader } from '../image-header.ts';
import type { Findings } from './findings.ts';
import type { TableUse } from './l2-tables.ts';
import type { Marker } from './marker.ts';
import { type CountsOne, readTable } from './stored-refcounts.ts';

export class L1Walk {
  readonly #device: ReadableDevice;
  readonly #header: ImageHeader;
  readonly #marker: Marker;
  readonly #findings: Findings;
  readonly #ones: CountsOne;
  readonly #storedCount: (cluster: number) => number;
  readonly #active = new NumberList();
  readonly #all = new NumberList();

  constructor(
    device: ReadableDevice,
    header: ImageHeader,
    shared: {
      readonly marker: Marker;
      readonly findings: Findings;
      readonly ones: CountsOne;
      readonly storedCount: (cluster: number) => number;
    },
  ) {
    this.#device = device;
    this.#header = header;
    this.#marker = shared.marker;
    this.#findings = shared.findings;
    this.#ones = shared.ones;
    this.#storedCount = shared.storedCount;
  }

  walk(name: string, l1: { readonly offset: number; readonly entries: number }, active: boolean): void {
    const { clusterSize } = this.#header;
    this.#marker.mark(name, l1.offset, l1.entries * 8);
    // Entries past the end of the file read as zeros: nothing to see there, however many are claimed.
    const bytes = Math.min(l1.entries * 8, Math.max(0, this.#device.size - l1.offset + 8));
    readTable(this.#device, l1.offset, bytes - (bytes % 8), (view, from) => {
      for (let at = 0; at < view.byteLength; at += 8) {
        const upper = view.getInt32(at);
        const lower = view.getInt32(at + 4);
        if ((upper | lower) === 0) continue;
        const place = `${name}, entry ${(from + at) / 8}`;
        if (l1Reserved(upper, lower)) this.#findings.corruption(`${place}: reserved bits are set`);
        const offset = offsetOf(upper, lower);
        if (offset % clusterSize !== 0) this.#findings.corruption(`${place}: L2 table at ${offset}, not aligned`);
        this.#marker.mark(`the L2 table of ${place}`, offset, clusterSize);
        if (active && offset !== 0) this.#checkCopied(place, (from + at) / 8, view.getBigUint64(at));
        this.#all.push(offset);
        if (active) this.#active.push(offset);
      }
    });
  }

  #checkCopied(place: string, index: number, entry: bigint): void {
    const offset = Number(entry & 0x00ff_ffff_ffff_fe00n);
    const cluster = Math.floor(offset / this.#header.clusterSize);
    const copied = entry >> 63n === 1n;
    if (this.#ones.has(cluster) === copied) return;
    const fact = copied ? 'marked COPIED but does not count 1' : 'counts 1 but is not marked COPIED';
    const detail = () => ({ l1Index: index, entry, stored: this.#storedCount(cluster) });
    this.#findings.copied(`L2 table at ${offset} (${place}): ${fact}`, detail);
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
      if (offset < this.#device.size) yield { offset, all: count, active: activeCount };
    }
  }
}
