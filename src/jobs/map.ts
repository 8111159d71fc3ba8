/**
 * Maps a disk: which image of the chain has what, neighbours of one kind joined. The terms are those of
 * `qemu-img map`.
 */
import type { ReadableDevice } from '../engine/device/device.ts';
import { type Chain, locateInChain } from '../engine/image/access.ts';

/** A stretch of a disk that has one answer to where its data is. */
export interface MapEntry {
  readonly start: number;
  readonly length: number;
  /** Which image of the chain, 0 = the first. */
  readonly depth: number;
  /** Allocated in that image. */
  readonly present: boolean;
  readonly zero: boolean;
  readonly data: boolean;
  /** Where the bytes stand, when they stand somewhere plainly. */
  readonly offset?: number;
  /** The device they stand on; absent: the image's own, or nowhere. */
  readonly device?: ReadableDevice;
}

function entryAt(chain: Chain, at: number, length: number): MapEntry {
  const { extent, depth } = locateInChain(chain, at, length);
  const kind = {
    start: at,
    length: extent.length,
    depth,
    present: extent.kind !== 'absent',
    zero: extent.kind === 'zero' || extent.kind === 'absent',
    data: extent.kind === 'data' || extent.kind === 'coded',
  };
  if (extent.kind === 'coded') return kind;
  if (extent.kind === 'data') return { ...kind, offset: extent.host, device: extent.device };
  return extent.host === undefined ? kind : { ...kind, offset: extent.host };
}

function continues(a: MapEntry, b: MapEntry): boolean {
  if (a.depth !== b.depth || a.present !== b.present || a.zero !== b.zero || a.data !== b.data) return false;
  if (a.offset === undefined || b.offset === undefined) return a.offset === b.offset;
  return a.offset + a.length === b.offset && a.device === b.device;
}

/** The entries of [from, to) in order; at least one, which is empty for an empty stretch. */
export function* mapDisk(chain: Chain, from: number, to: number): Generator<MapEntry, void> {
  let entry: MapEntry = { start: from, length: 0, depth: 0, present: false, zero: false, data: false };
  for (let at = from; at < to; ) {
    const next = entryAt(chain, at, to - at);
    at += next.length;
    if (entry.length > 0 && continues(entry, next)) entry = { ...entry, length: entry.length + next.length };
    else {
      if (entry.length > 0) yield entry;
      entry = next;
    }
  }
  yield entry;
}
