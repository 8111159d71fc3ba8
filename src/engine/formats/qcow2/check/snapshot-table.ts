/**
 * The snapshot table as a check sees it, and as a repair writes it again (contract: qcow2-format.md §6, §11). Reading
 * an image refuses a table with faults; a repair drops what nobody could load and fills up what is too short.
 */
import { divideUp, roundUp } from '../../../bytes/math.ts';
import { decodeUtf8 } from '../../../bytes/text.ts';
import { getU64, putU64 } from '../../../bytes/u64.ts';
import type { ReadableDevice } from '../../../device/device.ts';
import { DiskwrightError } from '../../../errors.ts';
import { readBytes } from '../../../image/recognise.ts';
import type { ImageHeader } from '../image-header.ts';
import { MAX_SNAPSHOTS } from '../limits.ts';

/** Fixed part of an entry: L1 offset 0, L1 entries 8, id length 12, name length 14, vm state 32, extra length 36. */
const HEAD = 40;
const At = { l1Offset: 0, l1Entries: 8, idLength: 12, nameLength: 14, vmState: 32, extraLength: 36 } as const;
/** Extra data: 64-bit vm state size, disk size, icount; an older entry has less of it. */
const EXTRA = 24;
/** Version 3 asks for the first two. */
const LEAST_EXTRA = 16;
const MAX_EXTRA = 1024;
const MAX_TABLE_BYTES = 64 * 1024 * 1024;

/** What is read behind the end of the file, where a hostile header may count 65536 snapshots. */
const NOTHING = new Uint8Array(0);
const ZERO_HEAD = new Uint8Array(HEAD);

export interface CheckedSnapshot {
  readonly id: string;
  readonly name: string;
  readonly l1: { readonly offset: number; readonly entries: number };
  /** Of the L1 table: told from the low word, as an offset beyond 2^53 is not exact. */
  readonly aligned: boolean;
  readonly head: Uint8Array;
  /** As far as it may be kept. */
  readonly extra: Uint8Array;
  /** Id and name as stored. */
  readonly names: Uint8Array;
}

export interface CheckedTable {
  readonly snapshots: readonly CheckedSnapshot[];
  /** Length in the file, the padding of the last entry left out. */
  readonly bytes: number;
  /** How many snapshots are too many, to be dropped. */
  readonly dropped: number;
  /** Numbers of the entries with more extra data than may be. */
  readonly tooLong: readonly number[];
  /** Numbers of the entries that lack what version 3 asks for. */
  readonly incomplete: readonly number[];
}

const refuse = (fact: string): never => {
  throw new DiskwrightError('corrupt', `qcow2 snapshot table: ${fact}.`, {
    fix: 'A repair drops what cannot be loaded: check -r all.',
  });
};

/** `tolerant`: faults that a repair drops are counted instead of refused. */
export function readCheckedTable(device: ReadableDevice, header: ImageHeader, tolerant: boolean): CheckedTable {
  const { snapshots: place, clusterSize, version } = header;
  let wanted = place.count;
  if (wanted > MAX_SNAPSHOTS) {
    if (!tolerant) refuse(`${wanted} snapshots, at most ${MAX_SNAPSHOTS}`);
    wanted = MAX_SNAPSHOTS;
  }
  if (place.offset % clusterSize !== 0) {
    throw new DiskwrightError('corrupt', `qcow2 snapshot table at ${place.offset}: not at the start of a cluster.`);
  }
  const snapshots: CheckedSnapshot[] = [];
  const tooLong: number[] = [];
  // Behind the end of the file are zeros, also at offsets that no device can have.
  const read = (from: number, bytes: number): Uint8Array => {
    if (bytes === 0) return NOTHING;
    if (place.offset + from < device.size) return readBytes(device, place.offset + from, bytes);
    return bytes === HEAD ? ZERO_HEAD : new Uint8Array(bytes);
  };
  let at = 0;
  /** Length of the table as it would be written. */
  let length = 0;
  for (let i = 0; i < wanted; i++) {
    const before = at;
    at = roundUp(at, 8);
    const head = read(at, HEAD);
    const view = new DataView(head.buffer, head.byteOffset, HEAD);
    const extraLength = view.getUint32(At.extraLength);
    if (extraLength > MAX_EXTRA) {
      if (!tolerant) refuse(`${extraLength} bytes of extra data in entry ${i}, at most ${MAX_EXTRA}`);
      tooLong.push(i);
    }
    const extra = read(at + HEAD, Math.min(extraLength, MAX_EXTRA));
    const idLength = view.getUint16(At.idLength);
    const names = read(at + HEAD + extraLength, idLength + view.getUint16(At.nameLength));
    at += HEAD + extraLength + names.length;
    length = roundUp(length, 8) + HEAD + extra.length + names.length;
    if (length > MAX_TABLE_BYTES || at > 2 ** 31 - 1) {
      if (!tolerant) refuse('more than 64 MiB');
      at = before;
      break;
    }
    snapshots.push({
      id: decodeUtf8(names.subarray(0, idLength)),
      name: decodeUtf8(names.subarray(idLength)),
      l1: { offset: getU64(view, At.l1Offset), entries: view.getUint32(At.l1Entries) },
      aligned: (view.getUint32(At.l1Offset + 4) & (clusterSize - 1)) === 0,
      head,
      extra,
      names,
    });
  }
  const incomplete = version === 3 ? [...snapshots.keys()].filter((i) => isShort(snapshots[i])) : [];
  const dropped = place.count - snapshots.length;
  return { snapshots, bytes: at, dropped, tooLong, incomplete };
}

const isShort = (snapshot: CheckedSnapshot | undefined): boolean =>
  snapshot !== undefined && snapshot.extra.length < LEAST_EXTRA;

function encodeEntry({ head, extra, names }: CheckedSnapshot, virtualSize: number): Uint8Array {
  const bytes = new Uint8Array(HEAD + Math.max(extra.length, EXTRA) + names.length);
  const view = new DataView(bytes.buffer);
  bytes.set(head);
  view.setUint32(At.extraLength, bytes.length - HEAD - names.length);
  // What an older entry does not say: the vm state from its head, the disk as it is, no icount.
  if (extra.length < 8) view.setUint32(HEAD + 4, view.getUint32(At.vmState));
  if (extra.length < 16) putU64(view, HEAD + 8, virtualSize);
  if (extra.length < EXTRA) bytes.fill(0xff, HEAD + 16, HEAD + EXTRA);
  const whole = extra.length < EXTRA ? extra.length - (extra.length % 8) : extra.length;
  bytes.set(extra.subarray(0, whole), HEAD);
  bytes.set(names, bytes.length - names.length);
  return bytes;
}

/** The table with every entry as it ought to be, padded to whole clusters. */
export function encodeCheckedTable(table: CheckedTable, { virtualSize, clusterSize }: ImageHeader): Uint8Array {
  const entries = table.snapshots.map((snapshot) => encodeEntry(snapshot, virtualSize));
  const length = entries.reduce((sum, entry) => roundUp(sum, 8) + entry.length, 0);
  const bytes = new Uint8Array(divideUp(length, clusterSize) * clusterSize);
  let at = 0;
  for (const entry of entries) {
    bytes.set(entry, at);
    at = roundUp(at + entry.length, 8);
  }
  return bytes;
}
