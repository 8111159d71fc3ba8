/**
 * The bytes of every table of a new image, any stretch of it at a time.
 *
 * All functions fill `into` completely, beginning at the given entry (never mid-entry); `into` starts at a
 * multiple of 4 in its buffer. Tables are written as two 32-bit words per entry over one view.
 */
import { putU64 } from '../../bytes/u64.ts';
import { COPIED } from './entry.ts';
import type { Geometry } from './geometry.ts';
import type { Qcow2Layout } from './layout.ts';

const TWO_32 = 0x1_0000_0000;

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Refcount table entries: offset of each block, 0 where there is none. */
export function fillRefcountTable(
  blocks: readonly number[],
  clusterSize: number,
  from: number,
  into: Uint8Array,
): void {
  const view = viewOf(into);
  const first = from / 8;
  for (let i = 0; i < into.length / 8; i++) putU64(view, i * 8, (blocks[first + i] ?? 0) * clusterSize);
}

/** L1 entries: offset of each L2 table with COPIED, 0 where there is none. */
export function fillL1({ l2, geometry }: Qcow2Layout, from: number, into: Uint8Array): void {
  const view = viewOf(into);
  const first = from / 8;
  for (let i = 0; i < into.length / 8; i++) {
    const cluster = l2.at(first + i);
    if (first + i < l2.length) putU64(view, i * 8, cluster * geometry.clusterSize, COPIED);
    else putU64(view, i * 8, 0);
  }
}

/** A big-endian word as the machine's own order has it, for filling. */
const swapped = new DataView(new ArrayBuffer(4));
const inOwnOrder = new Int32Array(swapped.buffer);

/**
 * `count` standard L2 entries from byte `at`, for consecutive clusters of `clusterSize` bytes from byte offset
 * `host`. The upper word changes every 4 GiB only, so it is filled natively and the loop writes the lower
 * ones. Words are signed 32-bit integers, which never leave the machine's registers.
 */
function putL2Run(view: DataView, at: number, host: number, clusterSize: number, count: number): void {
  const words = new Int32Array(view.buffer, view.byteOffset, view.byteLength / 4);
  let upper = Math.floor(host / TWO_32) | COPIED;
  let lower = (host % TWO_32) | 0;
  for (let from = at, left = count; left > 0; ) {
    const part = Math.min(left, (TWO_32 - (lower >>> 0)) / clusterSize);
    const end = from + part * 8;
    swapped.setInt32(0, upper);
    words.fill(inOwnOrder[0] ?? 0, from / 4, end / 4);
    for (let place = from + 4; place < end; place += 8) {
      view.setInt32(place, lower);
      lower = (lower + clusterSize) | 0;
    }
    upper = (upper + 1) | 0;
    from = end;
    left -= part;
  }
}

/** The same for extended entries, whose second word (the bitmap) is left as it is. */
function putExtendedRun(view: DataView, at: number, host: number, clusterSize: number, count: number): void {
  let upper = Math.floor(host / TWO_32) | COPIED;
  let lower = (host % TWO_32) | 0;
  for (let place = at; place < at + count * 16; place += 16) {
    view.setInt32(place, upper);
    view.setInt32(place + 4, lower);
    lower = (lower + clusterSize) | 0;
    if (lower === 0) upper = (upper + 1) | 0;
  }
}

/** Entries of L2 table `table`. The second word of an extended entry stays 0: nothing allocated yet. */
export function fillL2(layout: Qcow2Layout, table: number, from: number, into: Uint8Array): void {
  const { geometry, data, parameters } = layout;
  const { clusterSize, l2Entries, l2EntryBytes, guestClusters } = geometry;
  into.fill(0);
  const view = viewOf(into);
  const put = l2EntryBytes === 16 ? putExtendedRun : putL2Run;
  const first = table * l2Entries + from / l2EntryBytes;
  const end = Math.min(guestClusters, first + into.length / l2EntryBytes);
  if (parameters.dataFile !== undefined) {
    if (end > first) put(view, 0, first * clusterSize, clusterSize, end - first);
    return;
  }
  let guest = first;
  for (let run = data.guest.lastUpTo(first); guest < end; run++) {
    const host = data.host.at(run) + (guest - data.guest.at(run));
    const runEnd = Math.min(end, data.guest.at(run) + data.count.at(run));
    put(view, (guest - first) * l2EntryBytes, host * clusterSize, clusterSize, runEnd - guest);
    guest = runEnd;
  }
}

/**
 * Sets the refcounts of slots [from, to) of a block's bytes to 0 or 1. Widths of 8 bits and more are
 * big-endian; narrower ones fill each byte from its low bits.
 */
function setRefcounts(into: Uint8Array, bits: number, from: number, to: number, count: 0 | 1): void {
  if (bits >= 8) {
    const bytes = bits / 8;
    if (count === 0) into.fill(0, from * bytes, to * bytes);
    else if (bytes === 1) into.fill(1, from, to);
    else for (let at = from * bytes + bytes - 1; at < to * bytes; at += bytes) into[at] = 1;
    return;
  }
  const perByte = 8 / bits;
  const ones = [0, 0xff, 0x55, 0, 0x11][bits] ?? 0;
  const whole = Math.ceil(from / perByte);
  const wholeEnd = Math.floor(to / perByte);
  if (whole < wholeEnd) into.fill(count === 1 ? ones : 0, whole, wholeEnd);
  for (let slot = from; slot < to; slot++) {
    const at = Math.floor(slot / perByte);
    if (at >= whole && at < wholeEnd) slot = wholeEnd * perByte - 1;
    else {
      const bit = 1 << ((slot % perByte) * bits);
      into[at] = count === 1 ? (into[at] ?? 0) | bit : (into[at] ?? 0) & ~bit;
    }
  }
}

/** Where every count is 1: the 16-bit pattern 00 01, written as words of the machine's own order. */
const ONE_16 = new Uint16Array(new Uint8Array([0, 1]).buffer)[0] ?? 0;

function fillOnes(into: Uint8Array, geometry: Geometry, slots: number): void {
  if (geometry.refcountBits === 16 && into.byteOffset % 2 === 0) {
    new Uint16Array(into.buffer, into.byteOffset, slots).fill(ONE_16);
  } else setRefcounts(into, geometry.refcountBits, 0, slots, 1);
}

/** Counts of refcount block `block`: 1 below the end of the image, 0 in its holes. */
export function fillRefcountBlock(layout: Qcow2Layout, block: number, from: number, into: Uint8Array): void {
  const { geometry, holes, end } = layout;
  const { refcountBits, blockRefcounts } = geometry;
  const first = block * blockRefcounts + (from * 8) / refcountBits;
  const slots = (into.length * 8) / refcountBits;
  const used = Math.max(0, Math.min(slots, end - first));
  into.fill(0);
  if (used > 0) fillOnes(into, geometry, used);
  for (const hole of holes) {
    const holeFrom = Math.max(0, hole.first - first);
    const holeTo = Math.min(slots, hole.first + hole.count - first);
    if (holeFrom < holeTo) setRefcounts(into, refcountBits, holeFrom, holeTo, 0);
  }
}
