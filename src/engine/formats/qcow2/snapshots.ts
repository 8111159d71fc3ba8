/** The snapshot table (contract: qcow2-format.md §6). */

import { roundUp } from '../../bytes/math.ts';
import { bigU64, struct, u16, u32, u64 } from '../../bytes/struct.ts';
import { decodeUtf8 } from '../../bytes/text.ts';
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
  vmStateSize: u32,
  extraSize: u32,
});

/** Extra data as far as it is known; an older entry has less of it. */
const Extra = { vmStateSize: 0, icount: 16 } as const;
const NO_ICOUNT = 2n ** 64n - 1n;

const MAX_EXTRA = 1024;
const MAX_TABLE_BYTES = 64 * 1024 * 1024;

export interface Snapshot extends SnapshotFacts {
  readonly l1: { readonly offset: number; readonly entries: number };
}

export interface SnapshotTable {
  readonly snapshots: readonly Snapshot[];
  /** Length of the table in bytes, the padding of its last entry left out. */
  readonly bytes: number;
}

function extraField(extra: Uint8Array, at: number): bigint | undefined {
  return at + 8 > extra.length ? undefined : getBigU64(new DataView(extra.buffer, extra.byteOffset), at);
}

/** Reads the whole table. Throws `corrupt` for too many entries, too much extra data or a table above 64 MiB. */
export function readSnapshots(device: ReadableDevice, { snapshots, clusterSize }: ImageHeader): SnapshotTable {
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
    const id = decodeUtf8(readBytes(device, names, head.idLength));
    const name = decodeUtf8(readBytes(device, names + head.idLength, head.nameLength));
    const extra = readBytes(device, at + entryHead.size, head.extraSize);
    const icount = extraField(extra, Extra.icount) ?? NO_ICOUNT;
    list.push({
      id,
      name,
      l1: { offset: head.l1TableOffset, entries: head.l1Size },
      seconds: head.seconds,
      nanoseconds: head.nanoseconds,
      clock: head.clock,
      vmStateSize: extraField(extra, Extra.vmStateSize) ?? BigInt(head.vmStateSize),
      ...(icount === NO_ICOUNT ? {} : { icount }),
    });
    at = names + head.idLength + head.nameLength;
    if (at - snapshots.offset > MAX_TABLE_BYTES) {
      throw new DiskwrightError('corrupt', `qcow2 snapshot table at ${snapshots.offset}: more than 64 MiB.`);
    }
  }
  return { snapshots: list, bytes: at - snapshots.offset };
}
