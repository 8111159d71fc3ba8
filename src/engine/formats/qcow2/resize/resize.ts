/**
 * Another size for the disk of an open image (contract: operations.md, Resize; systems.md row 25). The header's size
 * changes last: until then the disk is as it was, and a cut leaves leaks at worst.
 *
 * Growing that is left or fails gives back what it took. Shrinking loses data from its first step on, so who leaves it
 * has it finished.
 */
import { roundUp } from '../../../bytes/math.ts';
import { DiskwrightError } from '../../../errors.ts';
import type { Preallocation, ResizeRequest, Steps } from '../../../image/writable.ts';
import { Autoclear } from '../features.ts';
import { largestDisk } from '../limits.ts';
import { allOf, toTheEnd } from '../snapshots/steps.ts';
import type { ImageState } from '../state.ts';
import { growL1 } from '../tables/l1-growth.ts';
import type { OldContent } from '../write/old-content.ts';
import { partBytesOf } from '../write/subclusters.ts';
import { writeGuest } from '../write/write.ts';
import { zeroParts } from '../write/zeroize.ts';
import { preallocateInFull, preallocateMetadata } from './preallocate.ts';
import { giveUpBeyond, l1EntriesFor } from './shrink.ts';

const SECTOR = 512;

const refuse = (message: string, fix?: string): never => {
  throw new DiskwrightError('invalid-option', `qcow2: ${message}.`, fix === undefined ? {} : { fix });
};

/** What the image rests on is longer than its disk: growing would let it show through. */
const showsThrough = ({ backing, header }: ImageState): boolean =>
  backing !== undefined && backing[0].virtualSize > header.virtualSize;

/** Throws for a size that the image cannot get; nothing is changed. `version`: the one that it will have then. */
export function refuseResize(state: ImageState, request: ResizeRequest, version = state.header.version): void {
  const { header, snapshots } = state;
  const { size, preallocation } = request;
  if (size % SECTOR !== 0) refuse(`a disk has whole sectors of ${SECTOR} bytes, and ${size} bytes are not`);
  if (version < 3 && snapshots.length > 0) {
    refuse(
      'the snapshots of a version 2 image do not keep their size, so its disk keeps it',
      'Amend it to compat=1.1.',
    );
  }
  const most = largestDisk(header.clusterSize, header.extendedL2);
  if (size > most) {
    throw new DiskwrightError(
      'out-of-range',
      `qcow2: ${size} bytes are too large: with clusters of ${header.clusterSize} bytes a disk has at most ${most}.`,
    );
  }
  state.bitmaps?.refuseResize(size);
  if (size < header.virtualSize) {
    if (preallocation !== 'off') refuse('space is taken in advance only where the disk grows');
  } else if (version < 3 && showsThrough(state) && needsZeroEntries(state, request)) {
    const why = 'what it rests on is longer than its disk and would show, and version 2 has no entries for zeros';
    refuse(why, 'Amend it to compat=1.1.');
  }
}

/** Whole clusters of what is new have to be told to be zero: they are not all made, and full of zeros. */
function needsZeroEntries({ header, external }: ImageState, { size, preallocation }: ResizeRequest): boolean {
  if (roundUp(header.virtualSize, header.clusterSize) >= size) return false;
  return external || preallocation === 'off' || preallocation === 'metadata';
}

export function* resizeImage(state: ImageState, old: OldContent, request: ResizeRequest): Steps {
  state.assertUsable();
  refuseResize(state, request);
  const { size } = request;
  if (size < state.header.virtualSize) yield* toTheEnd(shrink(state, size));
  else yield* grow(state, old, request);
}

function* shrink(state: ImageState, size: number): Steps {
  yield* giveUpBeyond(state, size, state.header.virtualSize);
  if (state.external) state.guest.resize(size);
  setSize(state, size);
}

function* grow(state: ImageState, old: OldContent, { size, preallocation }: ResizeRequest): Steps {
  const before = state.header.virtualSize;
  const dataBefore = state.guest.size;
  let finished = false;
  try {
    growL1(state, l1EntriesFor(state.header, size), true);
    const zeroed = yield* layOut(state, old, size, preallocation);
    if (!zeroed && showsThrough(state)) yield* hide(state, old, before, size);
    setSize(state, size);
    finished = true;
  } finally {
    if (!finished) {
      allOf(giveUpBeyond(state, before, size));
      if (state.external) state.guest.resize(dataBefore);
    }
  }
}

function setSize(state: ImageState, size: number): void {
  state.flush();
  state.setVirtualSize(size);
  state.bitmaps?.resized(size);
}

/** Takes what the mode asks for; it tells whether the image itself hides all that it rests on there. */
function* layOut(state: ImageState, old: OldContent, size: number, preallocation: Preallocation): Steps<boolean> {
  const from = state.header.virtualSize;
  // A raw data file must be readable through the tables at once.
  const rawData = state.external && (state.header.autoclear & Autoclear.rawExternalData) !== 0n;
  const mode = rawData && preallocation === 'off' ? 'metadata' : preallocation;
  if (mode === 'off') {
    if (state.external) state.guest.resize(size);
    return false;
  }
  if (mode === 'metadata' || state.external) {
    yield* preallocateMetadata(state, old, from, size, mode);
    return false;
  }
  if (size > from) yield* preallocateInFull(state, old, from, size, showsThrough(state));
  return true;
}

/** Makes what is new read as zeros: entries where they can say it, real zeros up to the first whole part. */
function* hide(state: ImageState, old: OldContent, from: number, to: number): Steps {
  const { clusterSize, extendedL2 } = state.header;
  const span = clusterSize * (clusterSize / (extendedL2 ? 16 : 8));
  const first = roundUp(from, partBytesOf(state));
  for (let at = first; at < to; ) {
    const next = Math.min(to, (Math.floor(at / span) + 1) * span);
    zeroParts(state, at, next - at, false);
    at = next;
    yield { done: at - from, total: to - from };
  }
  if (first > from) writeGuest(state, old, from, new Uint8Array(Math.min(first, to) - from));
}
