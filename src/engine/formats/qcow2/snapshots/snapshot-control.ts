/**
 * Makes, applies and deletes snapshots, in QEMU's order of operations (contract: operations.md, Snapshots): where a
 * cluster lands follows from it, and a cut at any write leaves leaks at worst.
 *
 * A snapshot is a copy of the L1 table, one more reference to everything below it, and an entry in the snapshot table,
 * which is written anew at another place each time.
 */
import { divideUp } from '../../../bytes/math.ts';
import { encodeUtf8 } from '../../../bytes/text.ts';
import { DiskwrightError } from '../../../errors.ts';
import type { SnapshotFacts } from '../../../image/description.ts';
import { SECTOR } from '../../../image/recognise.ts';
import type { Moment, SnapshotControl, Steps } from '../../../image/writable.ts';
import { MAX_L1_BYTES, MAX_SNAPSHOTS } from '../limits.ts';
import { findSnapshot, newSnapshot, nextSnapshotId, type Snapshot, snapshotTableBytes } from '../snapshots.ts';
import type { ImageState } from '../state.ts';
import { growL1 } from '../tables/l1-growth.ts';
import { readL1, writeL1 } from '../tables/l1-table.ts';
import { allOf, partOf, toTheEnd } from './steps.ts';
import { storeSnapshotTable } from './store-table.ts';
import { TreeRefcounts } from './tree-refcounts.ts';

/** As long as QEMU's tools can name a snapshot. */
export const MAX_SNAPSHOT_NAME = 255;

const refused = (message: string, fix?: string): DiskwrightError =>
  new DiskwrightError('unsupported', `qcow2: ${message}.`, fix === undefined ? {} : { fix });

export class Snapshots implements SnapshotControl {
  readonly #state: ImageState;
  /** Makes the disk longer or shorter, without preallocation. */
  readonly #resize: (size: number) => Steps;
  readonly #tree: TreeRefcounts;

  constructor(state: ImageState, resize: (size: number) => Steps) {
    this.#state = state;
    this.#resize = resize;
    this.#tree = new TreeRefcounts(state);
  }

  list(): readonly SnapshotFacts[] {
    return this.#state.snapshots;
  }

  *create(name: string, date: Moment): Steps {
    const state = this.#state;
    this.#refuseDataFile();
    if (state.snapshots.length >= MAX_SNAPSHOTS) {
      throw new DiskwrightError(
        'out-of-range',
        `qcow2: ${state.snapshots.length} snapshots are the most there can be.`,
      );
    }
    if (encodeUtf8(name).length > MAX_SNAPSHOT_NAME) {
      const message = `qcow2: the name of a snapshot has at most ${MAX_SNAPSHOT_NAME} bytes.`;
      throw new DiskwrightError('invalid-option', message);
    }
    const { l1, header } = state;
    const made = (offset: number): Snapshot[] => [
      ...state.snapshots,
      newSnapshot({
        id: nextSnapshotId(state.snapshots),
        name,
        l1: { offset, entries: l1.entries },
        diskSize: header.virtualSize,
        seconds: date.seconds,
        nanoseconds: date.nanoseconds,
      }),
    ];
    // Refused before anything is changed.
    snapshotTableBytes(made(0));
    yield* state.repairedIfCut(this.#create(made));
  }

  /** `made`: the snapshots with the new one, whose L1 table lies at `offset`. */
  *#create(made: (offset: number) => Snapshot[]): Steps {
    const state = this.#state;
    const { l1, allocator, image, header } = state;
    const bytes = l1.view.byteLength;
    const offset = allocator.alloc(divideUp(bytes, header.clusterSize)) * header.clusterSize;
    let counted = false;
    let linked = false;
    try {
      state.guard(offset, bytes);
      writeL1(image, offset, l1.view);
      if (this.#tree.markL1(l1.view, 'none')) l1.writeAll();
      yield* this.#tree.add(l1.view);
      counted = true;
      storeSnapshotTable(state, made(offset), () => {
        linked = true;
      });
    } finally {
      if (!linked) {
        if (counted) allOf(this.#tree.subtract(l1.view));
        allocator.free(offset, bytes, 'always');
        this.#markActive();
        state.freed.giveBack();
      }
    }
  }

  *apply(which: string | SnapshotFacts): Steps {
    const state = this.#state;
    this.#refuseDataFile();
    // They would not notice that the disk has another content.
    if (state.bitmaps && state.bitmaps.count > 0) {
      throw refused(
        'a snapshot cannot be applied while the image has dirty bitmaps',
        'Remove them first: bitmap --remove.',
      );
    }
    const snapshot = this.#find(which);
    const l1 = this.#readL1(snapshot);
    const size = Number(snapshot.diskSize);
    if (size !== state.header.virtualSize) {
      if (size % SECTOR !== 0) {
        throw new DiskwrightError(
          'corrupt',
          `qcow2 snapshot ${snapshot.id}: a disk of ${size} bytes, not whole sectors.`,
        );
      }
      // Later would be too late: making the disk shorter cannot be undone.
      yield* this.#tree.refuseFull(l1);
    }
    yield* toTheEnd(this.#state.repairedIfCut(this.#apply(snapshot, l1, size)));
  }

  *#apply(snapshot: Snapshot, l1: DataView, size: number): Steps {
    const state = this.#state;
    if (size !== state.header.virtualSize) yield* partOf(0, 4, this.#resize(size));
    growL1(state, l1.byteLength / 8, true);
    if (yield* partOf(1, 4, this.#tree.add(l1))) {
      state.guard(snapshot.l1.offset, l1.byteLength, 'inactiveL1');
      writeL1(state.image, snapshot.l1.offset, l1);
      state.image.flush();
    }
    const fresh = new DataView(new ArrayBuffer(state.l1.view.byteLength));
    new Uint8Array(fresh.buffer).set(new Uint8Array(l1.buffer, l1.byteOffset, l1.byteLength));
    // Everything in it has another reference from the snapshot, so nothing may be written in place.
    this.#tree.markL1(fresh, 'none');
    const before = state.l1.view;
    state.l1.replace(state.l1.offset, fresh);
    state.l1.writeAll();
    yield* this.#giveUp(partOf(2, 4, this.#tree.subtract(before)));
    if (yield* partOf(3, 4, this.#tree.mark(fresh))) state.l1.writeAll();
    state.freed.giveBack();
  }

  *delete(which: string | SnapshotFacts): Steps {
    this.#refuseDataFile();
    const snapshot = this.#find(which);
    yield* toTheEnd(this.#state.repairedIfCut(this.#delete(snapshot, this.#readL1(snapshot))));
  }

  *#delete(snapshot: Snapshot, l1: DataView): Steps {
    const state = this.#state;
    storeSnapshotTable(
      state,
      state.snapshots.filter((one) => one !== snapshot),
    );
    yield* this.#giveUp(partOf(0, 2, this.#tree.subtract(l1)));
    state.allocator.free(snapshot.l1.offset, l1.byteLength, 'snapshot');
    if (yield* partOf(1, 2, this.#tree.mark(state.l1.view))) state.l1.writeAll();
    state.freed.giveBack();
  }

  /** Where giving references up fails half way, the marks of the active tables say how far it came. */
  *#giveUp(steps: Steps): Steps {
    try {
      yield* steps;
    } catch (thrown) {
      this.#markActive();
      throw thrown;
    }
  }

  #markActive(): void {
    const { l1 } = this.#state;
    if (allOf(this.#tree.mark(l1.view))) l1.writeAll();
  }

  #find(which: string | SnapshotFacts): Snapshot {
    const { snapshots } = this.#state;
    const snapshot =
      typeof which === 'string'
        ? findSnapshot(snapshots, which)
        : snapshots.find(({ id, name }) => id === which.id && name === which.name);
    if (snapshot) return snapshot;
    const name = typeof which === 'string' ? which : which.name;
    throw new DiskwrightError('invalid-option', `qcow2: there is no snapshot "${name}".`);
  }

  #readL1({ id, l1 }: Snapshot): DataView {
    const { clusterSize } = this.#state.header;
    if (l1.entries * 8 > MAX_L1_BYTES || l1.offset % clusterSize !== 0) {
      const limit = `at most ${MAX_L1_BYTES / 8} can be, at the start of a cluster`;
      const message = `qcow2 snapshot ${id}: an L1 table of ${l1.entries} entries at ${l1.offset}, ${limit}.`;
      throw new DiskwrightError('corrupt', message);
    }
    return readL1(this.#state.image, l1.offset, l1.entries);
  }

  #refuseDataFile(): void {
    this.#state.assertUsable();
    if (!this.#state.external) return;
    throw refused('an image whose data is in another file cannot have snapshots');
  }
}
