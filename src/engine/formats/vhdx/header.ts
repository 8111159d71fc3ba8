/**
 * The two headers of a VHDX and the log they point at (MS-VHDX 2.2.2, 2.3; all little-endian). Of the
 * valid headers the one with the higher sequence number counts.
 */
import { crc32c } from '../../bytes/crc32c.ts';
import { ascii, bigU64, bytes, struct, u16, u32 } from '../../bytes/struct.ts';
import type { ReadableDevice } from '../../device/device.ts';
import { corrupt, readBytes, unsupported } from '../../image/recognise.ts';
import { guidText, ZERO_GUID } from './guid.ts';

const header = struct('VHDX header', 'little', {
  signature: ascii(4),
  /** CRC-32C of the whole 4 KiB with this field as zeros. */
  checksum: u32,
  sequence: bigU64,
  fileWriteGuid: bytes(16),
  dataWriteGuid: bytes(16),
  /** All zeros: nothing waits in the log. */
  logGuid: bytes(16),
  logVersion: u16,
  version: u16,
  logLength: u32,
  logOffset: bigU64,
});
export type VhdxHeader = ReturnType<typeof header.read>;

const logEntry = struct('VHDX log entry', 'little', {
  signature: ascii(4),
  checksum: u32,
  entryLength: u32,
  tail: u32,
  sequence: bigU64,
  descriptors: u32,
  unused: u32,
  logGuid: bytes(16),
});

const KIB = 1024;
const MIB = 1024 * KIB;
const HEADER_OFFSETS = [64 * KIB, 128 * KIB] as const;
const HEADER_BYTES = 4 * KIB;
const LOG_SECTOR = 4 * KIB;

/** Whether the CRC-32C at byte 4 is that of `block` with its own field as zeros. */
export function hasGoodChecksum(block: Uint8Array): boolean {
  const view = new DataView(block.buffer, block.byteOffset, block.length);
  const stored = view.getUint32(4, true);
  const copy = block.slice();
  copy.fill(0, 4, 8);
  return crc32c(copy) === stored;
}

function validHeader(device: ReadableDevice, at: number): { head: VhdxHeader; raw: string } | undefined {
  const block = readBytes(device, at, HEADER_BYTES);
  if (!hasGoodChecksum(block)) return undefined;
  const head = header.read(block);
  return head.signature === 'head' && head.version === 1
    ? { head, raw: block.subarray(0, header.size).join() }
    : undefined;
}

export function currentHeader(device: ReadableDevice): VhdxHeader {
  const [first, second] = HEADER_OFFSETS.map((at) => validHeader(device, at));
  if (!first && !second) throw corrupt('VHDX headers: neither of the two is valid.');
  if (!first || !second) return (first ?? second)?.head as VhdxHeader;
  if (first.head.sequence === second.head.sequence && first.raw !== second.raw) {
    throw corrupt('VHDX headers: the two differ, but have the same sequence number.');
  }
  return second.head.sequence > first.head.sequence ? second.head : first.head;
}

/** Refuses an image whose log holds changes that are not in their place yet. */
export function checkLog(device: ReadableDevice, head: VhdxHeader): void {
  if (head.logOffset < MIB || head.logOffset % BigInt(MIB) !== 0n) {
    throw corrupt(`VHDX header: the log begins at ${head.logOffset}, expected whole MiB behind the headers.`);
  }
  if (head.logVersion !== 0) throw unsupported(`VHDX header: log version is ${head.logVersion}, expected 0.`);
  const guid = guidText(head.logGuid);
  if (guid === ZERO_GUID || head.logLength === 0) return;
  if (head.logLength % MIB !== 0)
    throw corrupt(`VHDX header: the log has ${head.logLength} bytes, expected whole MiB.`);
  const at = Number(head.logOffset);
  const end = Math.min(at + head.logLength, device.size);
  const sector = new Uint8Array(logEntry.size);
  for (let from = at; from + logEntry.size <= end; from += LOG_SECTOR) {
    device.read(from, sector);
    const entry = logEntry.read(sector);
    if (entry.signature === 'loge' && guidText(entry.logGuid) === guid) {
      throw unsupported(
        'VHDX log: it holds changes that are not in the disk yet.',
        'Attach the image once where it was used, or run qemu-img check -r all on it.',
      );
    }
  }
}
