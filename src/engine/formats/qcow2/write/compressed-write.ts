/**
 * Stores one cluster compressed: byte-packed behind the one stored before (contract: operations.md, Compressed write;
 * systems.md row 61). What does not become smaller than a cluster is stored plainly by the caller.
 */
import { DiskwrightError } from '../../../errors.ts';
import { COMPRESSED, offsetOf } from '../entry.ts';
import { MAX_HOST_OFFSET } from '../limits.ts';
import type { ImageState } from '../state.ts';
import { sliceForWriting } from './l2-slice.ts';
import { entryBytesOf } from './subclusters.ts';

const TWO_32 = 0x1_0000_0000;

/** Throws where `[at, at + length)` cannot be stored compressed: it is not a whole cluster. */
export function checkCompressible(state: ImageState, at: number, length: number): void {
  const { clusterSize, virtualSize } = state.header;
  if (state.external) {
    throw new DiskwrightError('unsupported', 'qcow2: a data file holds no compressed clusters.');
  }
  const whole = length === clusterSize || (length > 0 && length < clusterSize && at + length === virtualSize);
  if (at % clusterSize === 0 && whole) return;
  throw new DiskwrightError(
    'out-of-range',
    `qcow2: ${length} bytes at ${at} are not a whole cluster of ${clusterSize} bytes: only those are compressed.`,
  );
}

/** Refuses a cluster that has a place already: compressing does not overwrite. */
function refuseAllocated(state: ImageState, at: number): void {
  const { slice, index } = sliceForWriting(state, at);
  const place = index * entryBytesOf(state);
  const upper = slice.view.getInt32(place);
  if ((upper & COMPRESSED) === 0 && offsetOf(upper, slice.view.getInt32(place + 4)) === 0) return;
  throw new DiskwrightError('io', `qcow2: the cluster at ${at} holds data already: it cannot be compressed over it.`);
}

/** Links the cluster at guest offset `at` to `packed`, at most a cluster less one byte. */
export function writePacked(state: ImageState, at: number, packed: Uint8Array): void {
  const { clusterBits, clusterSize, extendedL2 } = state.header;
  refuseAllocated(state, at);
  // The border between offset and sector count lies in the upper word (entry.ts).
  const offsetBits = 62 - (clusterBits - 8);
  const farthest = Math.floor((Math.min(2 ** offsetBits, MAX_HOST_OFFSET) - 1) / clusterSize);
  const host = state.allocator.allocBytes(packed.length, farthest);
  try {
    state.guard(host, packed.length);
    state.guest.write(host, packed);
  } catch (error) {
    state.allocator.free(host, packed.length, 'never');
    throw error;
  }
  state.beforeLinking();
  const { slice, index } = sliceForWriting(state, at);
  const sectors = Math.floor((host + packed.length - 1) / 512) - Math.floor(host / 512);
  const place = index * entryBytesOf(state);
  const upper = Math.floor(host / TWO_32) + sectors * 2 ** (offsetBits - 32);
  slice.view.setInt32(place, upper | COMPRESSED);
  slice.view.setUint32(place + 4, host % TWO_32);
  if (extendedL2) new Uint8Array(slice.view.buffer, place + 8, 8).fill(0);
  state.l2Cache.markDirty(slice);
}
