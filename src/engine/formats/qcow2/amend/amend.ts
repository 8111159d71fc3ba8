/**
 * Changes create options of an image that is there (contract: operations.md, amend). The order is QEMU's, since it
 * decides where things land: up to version 3 first, for what needs it, down to version 2 last.
 */

import type { Steps } from '../../../image/writable.ts';
import type { OptionTexts } from '../../../options/declare.ts';
import { Autoclear, Compatible } from '../features.ts';
import { resizeImage } from '../resize/resize.ts';
import { partOf } from '../snapshots/steps.ts';
import { storeSnapshotTable } from '../snapshots/store-table.ts';
import type { ImageState } from '../state.ts';
import type { OldContent } from '../write/old-content.ts';
import { downgrade, refuseZstd } from './downgrade.ts';
import { changeRefcountWidth, refuseCounts } from './refcount-width.ts';
import { amendedContents, refuseAmend } from './refusals.ts';
import { type AmendRequest, readAmendRequest } from './request.ts';

/** Extra data that an entry of the snapshot table has at least in version 3. */
const V3_SNAPSHOT_EXTRA = 16;

export function* amendImage(state: ImageState, old: OldContent, texts: OptionTexts): Steps {
  state.assertUsable();
  const request = readAmendRequest(texts);
  const { refcountBits, size } = request;
  const before = state.header.version;
  const version = request.version ?? before;
  refuseAmend(state, request);
  if (refcountBits !== undefined) yield* refuseCounts(state, refcountBits);
  if (version < before) yield* refuseZstd(state);

  const parts: (() => Steps)[] = [];
  if (version > before) parts.push(() => upgrade(state));
  if (refcountBits !== undefined) parts.push(() => changeRefcountWidth(state, refcountBits));
  parts.push(() => rewriteHeader(state, request));
  if (size !== undefined) parts.push(() => resizeImage(state, old, { size, preallocation: 'off' }));
  if (version < before) parts.push(() => downgrade(state));
  for (const [i, part] of parts.entries()) yield* partOf(i, parts.length, part());
}

function* upgrade(state: ImageState): Steps {
  const { snapshots } = state;
  if (snapshots.some(({ extraSize }) => extraSize < V3_SNAPSHOT_EXTRA)) storeSnapshotTable(state, snapshots);
  state.updateHeader({ version: 3 });
  yield { done: 1, total: 1 };
}

/** QEMU writes the header anew whatever is asked for, which brings an older one up to date. */
function* rewriteHeader(state: ImageState, request: AmendRequest): Steps {
  const { dataFileRaw, lazyRefcounts } = request;
  let { autoclear, compatible } = state.header;
  if (dataFileRaw === false) autoclear &= ~Autoclear.rawExternalData;
  if (lazyRefcounts !== undefined) {
    // Nobody repairs an image that says it needs none.
    if (!lazyRefcounts) state.settle();
    compatible &= ~Compatible.lazyRefcounts;
    if (lazyRefcounts) compatible |= Compatible.lazyRefcounts;
  }
  state.updateHeader({ autoclear, compatible }, amendedContents(state, request));
  if (lazyRefcounts !== undefined) state.options = { ...state.options, lazyRefcounts };
  yield { done: 1, total: 1 };
}
