/**
 * Gives every cluster of the disk up, so that the backing image shows through everywhere (contract: operations.md,
 * commit). A plain image of version 3 is reset to what a new one looks like; any other has each cluster discarded.
 */
import { assert } from '../../../errors.ts';
import type { Steps } from '../../../image/writable.ts';
import { Incompatible } from '../features.ts';
import type { ImageState } from '../state.ts';
import { discardClusters } from './discard.ts';

const LUKS = 2;
/** Bytes of the disk that one step discards. */
const STRETCH = 2 ** 31 - 1;

function canBeReset(state: ImageState, l1Clusters: number): boolean {
  const { version, snapshots, cryptMethod } = state.header;
  const plain = version >= 3 && snapshots.count === 0 && cryptMethod !== LUKS && !state.external;
  return plain && !state.contents.bitmaps && 3 + l1Clusters <= state.refcounts.perBlock;
}

export function* makeEmpty(state: ImageState): Steps {
  state.assertUsable();
  const { clusterSize, virtualSize } = state.header;
  const l1Clusters = Math.ceil((state.l1.entries * 8) / clusterSize);
  if (canBeReset(state, l1Clusters)) {
    reset(state, l1Clusters);
    return;
  }
  const stretch = Math.floor(STRETCH / clusterSize) * clusterSize;
  for (let at = 0; at < virtualSize; at += stretch) {
    discardClusters(state, at, Math.min(stretch, virtualSize - at), 'snapshot', 'expose');
    yield { done: Math.min(at + stretch, virtualSize), total: virtualSize };
  }
}

/** The dirty bit is set meanwhile: a cut leaves counts to be rebuilt, over an L1 table that is empty already. */
function reset(state: ImageState, l1Clusters: number): void {
  const { image, refcounts, l1, allocator } = state;
  const { clusterSize } = state.header;
  state.flush();
  state.l2Cache.clear();
  refcounts.cache.clear();
  state.setFeatures({ incompatible: state.header.incompatible | Incompatible.dirty });
  zeroInside(state, l1.offset, l1Clusters * clusterSize);
  image.flush();
  image.zero(clusterSize, (2 + l1Clusters) * clusterSize);
  image.flush();
  state.switchTables({ l1: 3 * clusterSize, refcountTable: clusterSize });
  l1.replace(3 * clusterSize, new DataView(new ArrayBuffer(l1.view.byteLength)));
  refcounts.blocks = new Float64Array(clusterSize / 8);
  state.tables.hook(0, 2 * clusterSize);
  state.map.setBlocks(refcounts.blocks);
  allocator.restart();
  const first = allocator.alloc(3 + l1Clusters);
  assert(first === 0, 'the first clusters of an emptied image are free');
  state.settle();
  image.resize((3 + l1Clusters) * clusterSize);
}

function zeroInside(state: ImageState, at: number, length: number): void {
  const there = Math.min(length, state.image.size - at);
  if (there > 0) state.image.zero(at, there);
}
