/** The L1 tables of an image, the active one first, and the L2 tables below them. */
import { DiskwrightError } from '../../../errors.ts';
import { offsetOf } from '../entry.ts';
import { MAX_L1_BYTES } from '../limits.ts';
import type { ImageState } from '../state.ts';
import { readL1 } from '../tables/l1-table.ts';

export interface L2Place {
  /** Byte offset of the L2 table. */
  readonly offset: number;
  /** Which entry of an L1 table names it. */
  readonly index: number;
  /** How many entries of L1 tables were passed with this one, and how many there are. */
  readonly done: number;
  readonly total: number;
}

/** Every L2 table, once for each L1 entry that names it: those of the disk, then those of each snapshot. */
export function* l2Tables(state: ImageState): Generator<L2Place> {
  const { clusterSize } = state.header;
  let total = state.l1.entries;
  for (const { id, l1 } of state.snapshots) {
    if (l1.entries * 8 > MAX_L1_BYTES || l1.offset % clusterSize !== 0) {
      const place = `an L1 table of ${l1.entries} entries at ${l1.offset}`;
      throw new DiskwrightError('corrupt', `qcow2 snapshot ${id}: ${place} cannot be.`);
    }
    total += l1.entries;
  }
  let done = 0;
  const active = state.l1.view;
  for (const table of [undefined, ...state.snapshots.map(({ l1 }) => l1)]) {
    const view = table ? readL1(state.image, table.offset, table.entries) : active;
    for (let at = 0; at < view.byteLength; at += 8) {
      done++;
      const offset = offsetOf(view.getInt32(at), view.getInt32(at + 4));
      if (offset === 0) continue;
      if (offset % clusterSize !== 0) state.corrupt(`the L2 table at ${offset} is not at the start of a cluster`);
      yield { offset, index: at / 8, done, total };
    }
  }
}
