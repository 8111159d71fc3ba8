/**
 * Refcounts of another width: new blocks and a new table beside the old ones, the header switched to them, the old
 * ones freed (contract: operations.md, amend). Where things land is QEMU's: its walks over the old counts allocate a
 * block for each stretch of the new width that counts anything, again and again until a walk needs no more, for the
 * new blocks are counted, too.
 */
import { divideUp, roundUp } from '../../../bytes/math.ts';
import { putU64 } from '../../../bytes/u64.ts';
import { MAX_TRANSFER } from '../../../device/device.ts';
import { DiskwrightError } from '../../../errors.ts';
import type { Steps } from '../../../image/writable.ts';
import { MAX_REFCOUNT_TABLE_BYTES } from '../limits.ts';
import { firstUsed, mostOf, refcountAt, setRefcount } from '../refcounts/refcount-bits.ts';
import type { ImageState } from '../state.ts';

/** Clusters of counts between two reports of progress. */
const BATCH = 1024 * 1024;

export function* changeRefcountWidth(state: ImageState, bits: number): Steps {
  if (bits === state.header.refcountBits) return;
  state.flush();
  yield* refuseCounts(state, bits);
  const draft = new WiderOrNarrower(state, bits);
  let switched = false;
  try {
    yield* draft.allocate();
    yield* draft.write();
    switched = true;
  } finally {
    if (!switched) draft.release();
  }
  draft.switchOver();
}

/** Throws for a count that the new width cannot hold. */
export function* refuseCounts({ refcounts }: ImageState, bits: number): Steps {
  const most = mostOf(bits);
  if (bits >= refcounts.bits) return;
  const { perBlock, blocks } = refcounts;
  const perStep = Math.max(1, Math.floor(BATCH / perBlock));
  for (let index = 0; index < blocks.length; index++) {
    const block = refcounts.blockOf(index * perBlock);
    if (!block) continue;
    for (let slot = 0; slot < perBlock; slot++) {
      const count = refcountAt(block.view, slot, refcounts.bits);
      if (count <= most) continue;
      const cluster = index * perBlock + slot;
      throw new DiskwrightError(
        'invalid-option',
        `qcow2: refcounts of ${bits} bits do not do: cluster ${cluster} has ${count} references.`,
        { option: 'refcount_bits' },
      );
    }
    if (index % perStep === 0) yield { done: 0, total: 1 };
  }
}

class WiderOrNarrower {
  readonly #state: ImageState;
  readonly #bits: number;
  /** Counts of one new block. */
  readonly #perBlock: number;
  readonly #clusterSize: number;
  /** Byte offset of new block i, 0 = none. */
  #blocks = new Float64Array(0);
  #table: { readonly offset: number; readonly bytes: number } | undefined;

  constructor(state: ImageState, bits: number) {
    this.#state = state;
    this.#bits = bits;
    this.#clusterSize = state.header.clusterSize;
    this.#perBlock = (this.#clusterSize * 8) / bits;
  }

  /** Takes clusters for every block that counts anything, and for the table. */
  *allocate(): Steps {
    const { allocator } = this.#state;
    for (let again = true, walks = 1; again; walks++) {
      again = false;
      for (const index of this.#used()) {
        this.#makeRoom(index);
        if (this.#blocks[index] === 0) {
          this.#blocks[index] = allocator.alloc(1) * this.#clusterSize;
          again = true;
        }
        yield { done: walks * index, total: (walks + 2) * this.#blocks.length };
      }
      if (again) this.#allocateTable();
    }
  }

  /** Writes the new blocks and the table; nothing points at them so far. */
  *write(): Steps {
    const { image } = this.#state;
    const bytes = new Uint8Array(this.#clusterSize);
    for (const [index, offset] of this.#blocks.entries()) {
      if (offset === 0) continue;
      this.#fill(index, bytes);
      this.#state.guard(offset, bytes.length);
      image.write(offset, bytes);
      yield { done: index, total: this.#blocks.length };
    }
    const table = new Uint8Array(this.#blocks.length * 8);
    const view = new DataView(table.buffer);
    for (const [index, offset] of this.#blocks.entries()) putU64(view, index * 8, offset);
    const at = this.#table?.offset ?? 0;
    this.#state.guard(at, table.length);
    for (let from = 0; from < table.length; from += MAX_TRANSFER) {
      image.write(at + from, table.subarray(from, from + MAX_TRANSFER));
    }
    this.#state.flush();
    this.#state.refcounts.cache.flush();
  }

  /** Gives back what was taken. */
  release(): void {
    const { allocator } = this.#state;
    for (const offset of this.#blocks) if (offset !== 0) allocator.free(offset, this.#clusterSize, 'other');
    if (this.#table) allocator.free(this.#table.offset, this.#table.bytes, 'other');
  }

  /** From here on the new counts are the counts. */
  switchOver(): void {
    const { refcounts, header, map, allocator } = this.#state;
    const old = { blocks: refcounts.blocks, ...header.refcountTable };
    const refcountTable = {
      offset: this.#table?.offset ?? 0,
      clusters: (this.#blocks.length * 8) / this.#clusterSize,
    };
    this.#state.updateHeader({ refcountBits: this.#bits, refcountTable });
    refcounts.replace(this.#bits, this.#blocks);
    map.setBlocks(this.#blocks);
    for (const offset of old.blocks) if (offset !== 0) allocator.free(offset, this.#clusterSize, 'other');
    allocator.free(old.offset, old.clusters * this.#clusterSize, 'other');
    this.#state.freed.giveBack();
  }

  #makeRoom(index: number): void {
    if (index < this.#blocks.length) return;
    const entries = roundUp(index + 1, this.#clusterSize / 8);
    if (entries * 8 > MAX_REFCOUNT_TABLE_BYTES) {
      throw new DiskwrightError('out-of-range', 'qcow2: the refcount table would exceed 8 MiB.', {
        option: 'refcount_bits',
      });
    }
    const blocks = new Float64Array(entries);
    blocks.set(this.#blocks);
    this.#blocks = blocks;
  }

  #allocateTable(): void {
    const { allocator } = this.#state;
    if (this.#table) allocator.free(this.#table.offset, this.#table.bytes, 'never');
    this.#table = undefined;
    const bytes = this.#blocks.length * 8;
    const offset = allocator.alloc(divideUp(bytes, this.#clusterSize)) * this.#clusterSize;
    this.#table = { offset, bytes };
  }

  /** Numbers of the new blocks that count anything, as it is when each has its turn. */
  *#used(): Generator<number> {
    for (let index = 0; ; index++) {
      const from = this.#nextBlock(index * this.#perBlock);
      if (from < 0) return;
      index = Math.max(index, Math.floor(from / this.#perBlock));
      if (this.#counts(index)) yield index;
    }
  }

  /** The first cluster from `cluster` on that an old block counts, −1 if there is none. */
  #nextBlock(cluster: number): number {
    const { blocks, perBlock } = this.#state.refcounts;
    for (let index = Math.floor(cluster / perBlock); index < blocks.length; index++) {
      if (blocks[index] !== 0) return Math.max(cluster, index * perBlock);
    }
    return -1;
  }

  /** Whether any cluster that new block `index` would count is in use. */
  #counts(index: number): boolean {
    const { refcounts } = this.#state;
    const { perBlock, bits } = refcounts;
    const end = (index + 1) * this.#perBlock;
    for (let cluster = index * this.#perBlock; cluster < end; ) {
      const first = cluster - (cluster % perBlock);
      const to = Math.min(end, first + perBlock);
      const block = refcounts.blockOf(cluster);
      if (block && firstUsed(block.view, bits, cluster - first, to - first) >= 0) return true;
      cluster = to;
    }
    return false;
  }

  /** The counts of new block `index`. */
  #fill(index: number, into: Uint8Array): void {
    const { refcounts } = this.#state;
    const { perBlock, bits } = refcounts;
    const start = index * this.#perBlock;
    const end = start + this.#perBlock;
    const view = new DataView(into.buffer, into.byteOffset, into.byteLength);
    into.fill(0);
    for (let cluster = start; cluster < end; ) {
      const first = cluster - (cluster % perBlock);
      const to = Math.min(end, first + perBlock);
      const block = refcounts.blockOf(cluster);
      for (let slot = cluster - first; block; slot++) {
        slot = firstUsed(block.view, bits, slot, to - first);
        if (slot < 0) break;
        setRefcount(view, first + slot - start, this.#bits, refcountAt(block.view, slot, bits));
      }
      cluster = to;
    }
  }
}
