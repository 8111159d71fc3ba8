/** The snapshot table in the file: always written as a whole, at another place (contract: operations.md, Snapshots). */
import { divideUp } from '../../../bytes/math.ts';
import { type Snapshot, snapshotTableBytes, snapshotTablePieces } from '../snapshots.ts';
import type { ImageState } from '../state.ts';

/**
 * Puts the table of these snapshots to a new place, points the header at it and frees the old one. From `onSwitch` on
 * the header may name the new table, whatever fails then: nothing that it refers to may be taken back.
 */
export function storeSnapshotTable(
  state: ImageState,
  snapshots: readonly Snapshot[],
  onSwitch: () => void = () => {},
): void {
  const { allocator, image } = state;
  const { clusterSize } = state.header;
  const bytes = snapshotTableBytes(snapshots);
  const offset = allocator.alloc(divideUp(bytes, clusterSize)) * clusterSize;
  let written = false;
  try {
    state.flush();
    state.guard(offset, bytes);
    for (const piece of snapshotTablePieces(snapshots, offset)) image.write(piece.at, piece.bytes);
    state.flush();
    written = true;
  } finally {
    if (!written) allocator.free(offset, bytes, 'always');
  }
  const old = { offset: state.header.snapshots.offset, bytes: state.snapshotTableBytes };
  onSwitch();
  state.switchSnapshots({ count: snapshots.length, offset });
  state.snapshots = snapshots;
  state.snapshotTableBytes = bytes;
  state.map.snapshotsChanged();
  allocator.free(old.offset, old.bytes, 'snapshot');
  state.freed.giveBack();
}
