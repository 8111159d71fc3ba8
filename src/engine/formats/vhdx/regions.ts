/** The region table of a VHDX: where block table and metadata are (MS-VHDX 2.2.3; all little-endian). */
import { ascii, bigU64, bytes, struct, u32 } from '../../bytes/struct.ts';
import type { ReadableDevice } from '../../device/device.ts';
import { assertOffset, corrupt, readBytes, unsupported } from '../../image/recognise.ts';
import { guidText, REGION } from './guid.ts';
import { hasGoodChecksum, type VhdxHeader } from './header.ts';

const tableHeader = struct('VHDX region table', 'little', {
  signature: ascii(4),
  checksum: u32,
  entries: u32,
  unused: u32,
});
const tableEntry = struct('VHDX region', 'little', {
  guid: bytes(16),
  /** Bytes from the start of the file. */
  offset: bigU64,
  length: u32,
  /** Bit 0: whoever does not know this region must not open the file. */
  flags: u32,
});

const TABLE_OFFSET = 192 * 1024;
const TABLE_BYTES = 64 * 1024;
const MAX_ENTRIES = 2047;
const REQUIRED = 1;
/** QEMU reads the block table in one request, and none is longer than this. */
const MAX_BLOCK_TABLE = 2 ** 31 - 512;

/** [start, end) in the file. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export interface Regions {
  readonly blockTable: Span;
  readonly metadata: Span;
  /** All of them with the log, in file order, without overlaps. */
  readonly taken: readonly Span[];
}

/** Offsets beyond 2^53 lose their last bits: enough to see that they are past the end of the file. */
const spanOf = (offset: bigint, length: number): Span => ({ start: Number(offset), end: Number(offset) + length });

function withoutOverlaps(spans: Span[]): readonly Span[] {
  const sorted = spans.filter((span) => span.end > span.start).sort((a, b) => a.start - b.start);
  sorted.forEach((span, i) => {
    const next = sorted[i + 1];
    if (next && next.start < span.end) throw corrupt(`VHDX region table: two regions share byte ${next.start}.`);
  });
  return sorted;
}

export function readRegions(device: ReadableDevice, head: VhdxHeader): Regions {
  const table = readBytes(device, TABLE_OFFSET, TABLE_BYTES);
  if (!hasGoodChecksum(table)) throw corrupt('VHDX region table: its checksum is wrong.');
  const { signature, entries } = tableHeader.read(table);
  if (signature !== 'regi') throw corrupt('VHDX region table: it does not begin with "regi".');
  if (entries > MAX_ENTRIES)
    throw corrupt(`VHDX region table: ${entries} regions, at most ${MAX_ENTRIES} are allowed.`);
  const found = new Map<string, Span>();
  const spans = [spanOf(head.logOffset, head.logLength)];
  for (let i = 0; i < entries; i++) {
    const entry = tableEntry.read(table, tableHeader.size + i * tableEntry.size);
    const span = spanOf(entry.offset, entry.length);
    const guid = guidText(entry.guid);
    spans.push(span);
    if (guid === REGION.blockTable || guid === REGION.metadata) {
      if (found.has(guid)) throw corrupt(`VHDX region table: region ${guid} is there twice.`);
      assertOffset(`VHDX region ${guid}`, entry.offset, BigInt(entry.length));
      found.set(guid, span);
    } else if (entry.flags & REQUIRED) {
      throw unsupported(`VHDX region table: region ${guid} is required and unknown.`);
    }
  }
  const blockTable = found.get(REGION.blockTable);
  const metadata = found.get(REGION.metadata);
  if (!blockTable || !metadata) throw corrupt('VHDX region table: block table or metadata is missing.');
  const tableBytes = blockTable.end - blockTable.start;
  if (tableBytes > MAX_BLOCK_TABLE) throw corrupt(`VHDX region table: a block table of ${tableBytes} bytes.`);
  if (metadata.start >= device.size) throw corrupt('VHDX region table: the metadata lies past the end of the file.');
  return { blockTable, metadata, taken: withoutOverlaps(spans) };
}

/** Whether [start, end) touches one of `spans` (in file order, without overlaps). */
export function touches(spans: readonly Span[], start: number, end: number): boolean {
  let low = 0;
  let high = spans.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((spans[middle]?.end ?? 0) <= start) low = middle + 1;
    else high = middle;
  }
  const next = spans[low];
  return next !== undefined && next.start < end;
}
