/**
 * The active L1 table: all of it in memory, every change written through (contract: qcow2-format.md §5). An entry on
 * the disk points only at an L2 table that is there already, so each write is followed by a flush.
 */
import { putU64 } from '../../../bytes/u64.ts';
import { MAX_TRANSFER, type ReadableDevice, type WritableDevice } from '../../../device/device.ts';
import { COPIED, offsetOf } from '../entry.ts';

const ENTRY_BYTES = 8;

/** `entries` entries of a table at `offset`; what lies behind the end of the file is zeros. */
export function readL1(device: ReadableDevice, offset: number, entries: number): DataView {
  const bytes = new Uint8Array(entries * ENTRY_BYTES);
  const there = Math.max(0, Math.min(bytes.length, device.size - offset));
  for (let from = 0; from < there; from += MAX_TRANSFER) {
    device.read(offset + from, bytes.subarray(from, Math.min(there, from + MAX_TRANSFER)));
  }
  return new DataView(bytes.buffer);
}

export function writeL1(device: WritableDevice, offset: number, table: DataView): void {
  const bytes = new Uint8Array(table.buffer, table.byteOffset, table.byteLength);
  for (let from = 0; from < bytes.length; from += MAX_TRANSFER) {
    device.write(offset + from, bytes.subarray(from, from + MAX_TRANSFER));
  }
}

export interface L1Host {
  readonly device: WritableDevice;
  /** Refuses a write that would hit other metadata. */
  guard(at: number, bytes: number, own: 'activeL1'): void;
  /** Entries of the table have changed: which L2 tables are there is another matter now. */
  l2TableAdded(offset: number): void;
  l2TableRemoved(offset: number): void;
}

export class L1Table {
  readonly #host: L1Host;
  #view: DataView;
  #offset: number;

  constructor(host: L1Host, offset: number, view: DataView) {
    this.#host = host;
    this.#offset = offset;
    this.#view = view;
  }

  /** The entries, big-endian. */
  get view(): DataView {
    return this.#view;
  }

  /** Where the table lies in the file. */
  get offset(): number {
    return this.#offset;
  }

  get entries(): number {
    return this.#view.byteLength / ENTRY_BYTES;
  }

  /** Byte offset of L2 table `index`, 0 = none. */
  offsetOf(index: number): number {
    return offsetOf(this.#view.getInt32(index * ENTRY_BYTES), this.#view.getInt32(index * ENTRY_BYTES + 4));
  }

  isCopied(index: number): boolean {
    return (this.#view.getInt32(index * ENTRY_BYTES) & COPIED) !== 0;
  }

  /** Entry `index` points at another table, which is on the disk; so is the entry afterwards. */
  set(index: number, offset: number, copied: boolean): void {
    const at = this.#offset + index * ENTRY_BYTES;
    const before = this.offsetOf(index);
    this.#host.guard(at, ENTRY_BYTES, 'activeL1');
    putU64(this.#view, index * ENTRY_BYTES, offset, copied ? COPIED : 0);
    this.#host.device.write(at, new Uint8Array(this.#view.buffer, index * ENTRY_BYTES, ENTRY_BYTES));
    this.#host.device.flush();
    if (before !== 0 && before !== offset) this.#host.l2TableRemoved(before);
    if (offset !== 0) this.#host.l2TableAdded(offset);
  }

  /** Another table, already on the disk at `offset`, takes the place of this one. */
  replace(offset: number, view: DataView): void {
    for (let i = 0; i < this.entries; i++) if (this.offsetOf(i) !== 0) this.#host.l2TableRemoved(this.offsetOf(i));
    this.#offset = offset;
    this.#view = view;
    for (let i = 0; i < this.entries; i++) if (this.offsetOf(i) !== 0) this.#host.l2TableAdded(this.offsetOf(i));
  }

  /** Writes the table as it stands in memory, in its place. */
  writeAll(): void {
    if (this.entries === 0) return;
    this.#host.guard(this.#offset, this.#view.byteLength, 'activeL1');
    writeL1(this.#host.device, this.#offset, this.#view);
    this.#host.device.flush();
  }
}
