/**
 * The snapshot table (contract: qcow2-format.md §6), read and written. Entries keep everything that was read, also
 * what this program does not know: a table is always written as a whole, and nothing may get lost on the way.
 */

import { roundUp } from '../../bytes/math.ts';
import { bigU64, struct, u16, u32, u64 } from '../../bytes/struct.ts';
import { decodeUtf8, encodeUtf8 } from '../../bytes/text.ts';
import { getBigU64 } from '../../bytes/u64.ts';
import type { ReadableDevice } from '../../device/device.ts';
import { DiskwrightError } from '../../errors.ts';
import type { SnapshotFacts } from '../../image/description.ts';
import { readBytes } from '../../image/recognise.ts';
import type { ImageHeader } from './image-header.ts';
import { MAX_SNAPSHOTS } from './limits.ts';

/** The fixed part of an entry; extra data, id and name follow, padded to 8 bytes. */
const entryHead = struct('snapshot table entry', 'big', {
  l1TableOffset: u64,
  l1Size: u32, // entries
  idLength: u16,
  nameLength: u16,
  seconds: u32,
  nanoseconds: u32,
  clock: bigU64, // guest nanoseconds
  vmStateSize: u32, // 0 where it does not fit
  extraSize: u32,
});

/** Extra data as far as it is known; an older entry has less of it. */
const extraData = struct('snapshot extra data', 'big', {
  vmStateSize: bigU64,
  diskSize: bigU64,
  icount: bigU64,
});
const NO_ICOUNT = 2n ** 64n - 1n;

const MAX_EXTRA = 1024;
const MAX_TABLE_BYTES = 64 * 1024 * 1024;

export interface Snapshot extends SnapshotFacts {
  readonly l1: { readonly offset: number; readonly entries: number };
  /** Bytes of the disk when it was made; where the entry does not tell, those of the disk now. */
  readonly diskSize: bigint;
  /** Bytes of extra data that the entry had. */
  readonly extraSize: number;
  /** Id and name as stored, up to a NUL, which is where QEMU ends them. */
  readonly stored: { readonly id: Uint8Array; readonly name: Uint8Array };
  /** Extra data behind what is known. */
  readonly unknownExtra: Uint8Array;
}

export interface SnapshotTable {
  readonly snapshots: readonly Snapshot[];
  /** Length of the table in bytes, the padding of its last entry left out. */
  readonly bytes: number;
}

function extraField(extra: Uint8Array, field: keyof typeof extraData.offsets): bigint | undefined {
  const at = extraData.offsets[field];
  return at + 8 > extra.length ? undefined : getBigU64(new DataView(extra.buffer, extra.byteOffset), at);
}

function untilNul(bytes: Uint8Array): Uint8Array {
  const end = bytes.indexOf(0);
  return end < 0 ? bytes : bytes.subarray(0, end);
}

/** Reads the whole table. Throws `corrupt` for too many entries, too much extra data or a table above 64 MiB. */
export function readSnapshots(
  device: ReadableDevice,
  { snapshots, clusterSize, virtualSize }: ImageHeader,
): SnapshotTable {
  if (snapshots.count > MAX_SNAPSHOTS || snapshots.offset % clusterSize !== 0) {
    const table = `qcow2 snapshot table at ${snapshots.offset}`;
    const limit = `at most ${MAX_SNAPSHOTS} can be, at the start of a cluster`;
    throw new DiskwrightError('corrupt', `${table}: ${snapshots.count} snapshots, ${limit}.`);
  }
  const list: Snapshot[] = [];
  let at = snapshots.offset;
  for (let i = 0; i < snapshots.count; i++) {
    at = roundUp(at, 8);
    const head = entryHead.read(readBytes(device, at, entryHead.size));
    if (head.extraSize > MAX_EXTRA) {
      throw new DiskwrightError(
        'corrupt',
        `qcow2 snapshot ${i + 1} at ${at}: ${head.extraSize} bytes of extra data, at most ${MAX_EXTRA}.`,
      );
    }
    const names = at + entryHead.size + head.extraSize;
    const id = untilNul(readBytes(device, names, head.idLength));
    const name = untilNul(readBytes(device, names + head.idLength, head.nameLength));
    const extra = readBytes(device, at + entryHead.size, head.extraSize);
    const icount = extraField(extra, 'icount') ?? NO_ICOUNT;
    list.push({
      id: decodeUtf8(id),
      name: decodeUtf8(name),
      stored: { id, name },
      l1: { offset: head.l1TableOffset, entries: head.l1Size },
      seconds: head.seconds,
      nanoseconds: head.nanoseconds,
      clock: head.clock,
      vmStateSize: extraField(extra, 'vmStateSize') ?? BigInt(head.vmStateSize),
      diskSize: extraField(extra, 'diskSize') ?? BigInt(virtualSize),
      extraSize: head.extraSize,
      unknownExtra: extra.subarray(extraData.size),
      ...(icount === NO_ICOUNT ? {} : { icount }),
    });
    at = names + head.idLength + head.nameLength;
    if (at - snapshots.offset > MAX_TABLE_BYTES) {
      throw new DiskwrightError('corrupt', `qcow2 snapshot table at ${snapshots.offset}: more than 64 MiB.`);
    }
  }
  return { snapshots: list, bytes: at - snapshots.offset };
}

/** A snapshot that is made now. */
export function newSnapshot(facts: {
  readonly id: string;
  readonly name: string;
  readonly l1: Snapshot['l1'];
  readonly diskSize: number;
  readonly seconds: number;
  readonly nanoseconds: number;
}): Snapshot {
  return {
    ...facts,
    diskSize: BigInt(facts.diskSize),
    stored: { id: encodeUtf8(facts.id), name: encodeUtf8(facts.name) },
    vmStateSize: 0n,
    clock: 0n,
    // qemu-img has no instruction counter, and says 0 rather than "none".
    icount: 0n,
    extraSize: extraData.size,
    unknownExtra: new Uint8Array(0),
  };
}

const entryBytes = ({ stored, unknownExtra }: Snapshot): number =>
  entryHead.size + extraData.size + unknownExtra.length + stored.id.length + stored.name.length;

/** Bytes of a table of these snapshots, the padding of its last entry left out. Throws `out-of-range` above 64 MiB. */
export function snapshotTableBytes(snapshots: readonly Snapshot[]): number {
  let bytes = 0;
  for (const one of snapshots) bytes = roundUp(bytes, 8) + entryBytes(one);
  if (bytes <= MAX_TABLE_BYTES) return bytes;
  throw new DiskwrightError('out-of-range', `qcow2: a table of ${snapshots.length} snapshots would exceed 64 MiB.`);
}

function encodeEntry(snapshot: Snapshot): Uint8Array {
  const { stored, unknownExtra, vmStateSize } = snapshot;
  const bytes = new Uint8Array(entryBytes(snapshot));
  entryHead.write(
    {
      l1TableOffset: snapshot.l1.offset,
      l1Size: snapshot.l1.entries,
      idLength: stored.id.length,
      nameLength: stored.name.length,
      seconds: snapshot.seconds,
      nanoseconds: snapshot.nanoseconds,
      clock: snapshot.clock,
      vmStateSize: vmStateSize < 2n ** 32n ? Number(vmStateSize) : 0,
      extraSize: extraData.size + unknownExtra.length,
    },
    bytes,
  );
  const extra = { vmStateSize, diskSize: snapshot.diskSize, icount: snapshot.icount ?? NO_ICOUNT };
  extraData.write(extra, bytes, entryHead.size);
  let at = entryHead.size + extraData.size;
  for (const part of [unknownExtra, stored.id, stored.name]) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** The entries of a table as stretches to write: what lies between them is padding, and is left as it is. */
export function* snapshotTablePieces(
  snapshots: readonly Snapshot[],
  tableOffset: number,
): Generator<{ readonly at: number; readonly bytes: Uint8Array }> {
  let at = tableOffset;
  for (const one of snapshots) {
    const bytes = encodeEntry(one);
    yield { at, bytes };
    at = roundUp(at + bytes.length, 8);
  }
}

/** The snapshot that a person means: by its id, else by its name. */
export function findSnapshot<One extends SnapshotFacts>(snapshots: readonly One[], idOrName: string): One | undefined {
  return snapshots.find(({ id }) => id === idOrName) ?? snapshots.find(({ name }) => name === idOrName);
}

/** One more than the highest id; ids are decimal numbers as C reads them. */
export function nextSnapshotId(snapshots: readonly SnapshotFacts[]): string {
  let most = 0n;
  for (const { id } of snapshots) {
    const [, sign, digits] = /^[\t-\r ]*([+-]?)(\d+)/.exec(id) ?? [];
    if (digits === undefined) continue;
    const value = BigInt.asUintN(
      64,
      BigInt(digits) > NO_ICOUNT ? NO_ICOUNT : BigInt(`${sign === '-' ? '-' : ''}${digits}`),
    );
    if (value > most) most = value;
  }
  return String(BigInt.asUintN(64, most + 1n));
}
