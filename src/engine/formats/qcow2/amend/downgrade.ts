/**
 * What has to go before an image becomes version 2: zero clusters, which it cannot say, bitmaps, and zstd as the way
 * compressed clusters are to be read (contract: operations.md, amend).
 *
 * QEMU writes zeros into a zero cluster that a snapshot still needs, counts wrong afterwards, leaks the clusters of
 * bitmaps and looks for compressed clusters in the disk alone, not in its snapshots. Here none of that is lost.
 */

import { putU64 } from '../../../bytes/u64.ts';
import { DiskwrightError } from '../../../errors.ts';
import type { Steps } from '../../../image/writable.ts';
import { COMPRESSED, COPIED, Kind, kindOf, offsetOf } from '../entry.ts';
import { allOf } from '../snapshots/steps.ts';
import { TreeRefcounts } from '../snapshots/tree-refcounts.ts';
import type { ImageState } from '../state.ts';
import type { Table } from '../tables/table-cache.ts';
import { l2Tables } from './l1-trees.ts';
import { WITHOUT_V3 } from './refusals.ts';

/** Throws where clusters are compressed with zstd, which version 2 cannot say. */
export function* refuseZstd(state: ImageState): Steps {
  if (state.header.compressionType !== 'zstd') return;
  const { l2Cache, header } = state;
  for (const { offset, done, total } of l2Tables(state)) {
    for (let slice = 0; slice < header.clusterSize; slice += l2Cache.tableBytes) {
      const { view } = l2Cache.get(offset + slice);
      for (let at = 0; at < view.byteLength; at += 8) {
        if ((view.getInt32(at) & COMPRESSED) === 0) continue;
        throw new DiskwrightError('invalid-option', 'qcow2: the image has clusters compressed with zstd.', {
          option: 'compat',
          fix: 'Convert the disk to a new image.',
        });
      }
    }
    yield { done, total };
  }
}

/** Version 2 in the end; its header is written last. */
export function* downgrade(state: ImageState): Steps {
  state.settle();
  yield* new ZeroClusters(state).expand();
  if (state.bitmaps && state.bitmaps.count > 0) {
    state.settings.onWarning?.('version 2 cannot hold dirty bitmaps: those of the image are removed');
    state.bitmaps.removeAll();
  }
  state.flush();
  state.updateHeader(
    { version: 2, incompatible: 0n, compatible: 0n, autoclear: 0n, compressionType: 'zlib' },
    WITHOUT_V3,
  );
}

/** Turns zero clusters into nothing where nothing lies below, and into zeros otherwise. */
class ZeroClusters {
  readonly #state: ImageState;
  /** A cluster that others referred to, too, is no longer shared with this entry. */
  #unshared = false;

  constructor(state: ImageState) {
    this.#state = state;
  }

  *expand(): Steps {
    const state = this.#state;
    const { l2Cache, refcounts, header } = state;
    for (const { offset, index, done, total } of l2Tables(state)) {
      const references = refcounts.get(offset / header.clusterSize);
      for (let slice = 0; slice < header.clusterSize; slice += l2Cache.tableBytes) {
        const guest = (index * header.clusterSize + slice) * (header.clusterSize / 8);
        this.#slice(l2Cache.get(offset + slice), guest, references);
      }
      yield { done, total };
    }
    state.flush();
    // A cluster that has one reference left may be written in place by whoever has it.
    if (this.#unshared && allOf(new TreeRefcounts(state).mark(state.l1.view))) state.l1.writeAll();
    state.freed.giveBack();
  }

  /** `guest`: what the first entry maps. `references`: how many L1 entries name the table, each for all its clusters. */
  #slice(table: Table, guest: number, references: number): void {
    const { view } = table;
    for (let at = 0; at < view.byteLength; at += 8) {
      const upper = view.getInt32(at);
      const lower = view.getInt32(at + 4);
      const kind = kindOf(upper, lower, false);
      if (kind !== Kind.zeroPlain && kind !== Kind.zeroAllocated) continue;
      const host = kind === Kind.zeroPlain ? 0 : offsetOf(upper, lower);
      const place = this.#placeFor(guest + (at / 8) * this.#state.header.clusterSize, host, references);
      putU64(view, at, place, place !== 0 && references === 1 ? COPIED : 0);
      this.#state.l2Cache.markDirty(table);
      if (host !== 0 && host !== place) this.#leave(host, references);
    }
  }

  /** Where the zeros of an entry lie from now on, written there; 0: nowhere, nothing lies below. */
  #placeFor(guest: number, host: number, references: number): number {
    const state = this.#state;
    const { refcounts, header } = state;
    const { clusterSize } = header;
    if (host % clusterSize !== 0) state.corrupt(`the cluster at ${host} is not at the start of a cluster`);
    const own = host !== 0 && refcounts.get(host / clusterSize) <= references;
    if (!own && !state.hasBacking) return 0;
    const place = own ? host : this.#take(references);
    state.guard(place, clusterSize);
    this.#writeZeros(guest, place);
    state.l2Cache.dependsOnFlush();
    return place;
  }

  /** Zeros as the guest reads them. QEMU leaves plain ones on an encrypted disk, which decrypt to something else. */
  #writeZeros(guest: number, place: number): void {
    const { image, cipher, header } = this.#state;
    if (!cipher) image.zero(place, header.clusterSize);
    else image.write(place, cipher.encrypted(guest, place, new Uint8Array(header.clusterSize)));
  }

  #take(references: number): number {
    const { allocator, header, l2Cache, refcounts } = this.#state;
    const place = allocator.alloc(1) * header.clusterSize;
    for (let i = 1; i < references; i++) allocator.reference(place, header.clusterSize);
    l2Cache.dependsOn(refcounts.cache);
    return place;
  }

  #leave(host: number, references: number): void {
    const { allocator, header } = this.#state;
    for (let i = 0; i < references; i++) allocator.free(host, header.clusterSize, 'other');
    this.#unshared = true;
  }
}
