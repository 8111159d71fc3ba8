/**
 * Tables (slices of L2 tables, refcount blocks) that were used lately: a bounded number of them, the one used longest
 * ago makes room. Changed ones are written when they make room or when the cache is flushed.
 *
 * What must reach the disk first is a dependency between two caches: `a.dependsOn(b)` says that b is written and
 * flushed before the next table of a is; `dependsOnFlush` asks for a flush of the device alone (contract:
 * operations.md, Cache and dependency model).
 */
import type { ReadableDevice } from '../../../device/device.ts';
import { assert } from '../../../errors.ts';

export interface Table {
  /** Byte offset in the file. */
  readonly offset: number;
  /** Valid until the table makes room for another: after that every access throws. */
  readonly view: DataView;
}

/** How changed tables get to the disk; absent for images that are only read. */
export interface TableWriter {
  write(at: number, bytes: Uint8Array): void;
  /** Everything written before is on the medium. */
  flush(): void;
}

interface Entry extends Table {
  view: DataView;
  dirty: boolean;
}

const GONE = new DataView(new ArrayBuffer(0));

export class TableCache {
  readonly #device: ReadableDevice;
  readonly #tableBytes: number;
  readonly #most: number;
  readonly #writer: TableWriter | undefined;
  /** A Map keeps the order of insertion, so the first is the oldest. */
  readonly #tables = new Map<number, Entry>();
  #last: Entry | undefined;
  #dirty = 0;
  /** How often everything was written and flushed. */
  flushes = 0;
  /** How often a table was read. */
  loads = 0;
  #before: TableCache | undefined;
  #flushFirst = false;

  /** `most`: tables held, at least 4 (one operation works on up to three of them). */
  constructor(device: ReadableDevice, tableBytes: number, most: number, writer?: TableWriter) {
    this.#device = device;
    this.#tableBytes = tableBytes;
    this.#most = Math.max(4, most);
    this.#writer = writer;
  }

  get tableBytes(): number {
    return this.#tableBytes;
  }

  /** The table at `offset`, read if it is not here. */
  get(offset: number): Table {
    const last = this.#last;
    if (last?.offset === offset) return last;
    const held = this.#tables.get(offset);
    if (held) {
      this.#tables.delete(offset);
      this.#tables.set(offset, held);
      this.#last = held;
      return held;
    }
    const entry = this.#add(offset);
    const bytes = new Uint8Array(entry.view.buffer);
    // Behind the end are zeros, also at offsets that no device can have.
    this.loads++;
    if (offset < this.#device.size) this.#device.read(offset, bytes);
    else bytes.fill(0);
    return entry;
  }

  /** A table of zeros at `offset`, whatever is there: to be filled and marked. */
  getEmpty(offset: number): Table {
    this.drop(offset);
    const entry = this.#add(offset);
    new Uint8Array(entry.view.buffer).fill(0);
    return entry;
  }

  has(offset: number): boolean {
    return this.#tables.has(offset);
  }

  markDirty(table: Table): void {
    const entry = this.#tables.get(table.offset);
    assert(entry !== undefined && entry.view === table.view, 'a changed table is still in the cache');
    if (!entry.dirty) this.#dirty++;
    entry.dirty = true;
  }

  /** Forgets a table without writing it: its cluster is no longer a table. */
  drop(offset: number): void {
    const entry = this.#tables.get(offset);
    if (entry) this.#remove(entry);
  }

  /** Forgets everything, written or not: the tables on the disk have been replaced. */
  clear(): void {
    for (const entry of [...this.#tables.values()]) this.#remove(entry);
  }

  /** `before` is flushed before the next table of this cache is written. Never a circle. */
  dependsOn(before: TableCache): void {
    before.#settle();
    if (this.#before && this.#before !== before) this.#settle();
    this.#before = before;
  }

  /** The device is flushed before the next table of this cache is written. */
  dependsOnFlush(): void {
    this.#flushFirst = true;
  }

  /** Writes every changed table, in the order of the file. */
  write(): void {
    if (this.#dirty === 0) return;
    const changed = [...this.#tables.values()].filter((entry) => entry.dirty).sort((a, b) => a.offset - b.offset);
    for (const entry of changed) this.#write(entry);
  }

  /** Writes every changed table and flushes the device. */
  flush(): void {
    this.write();
    this.#writer?.flush();
    this.flushes++;
  }

  #settle(): void {
    this.#before?.flush();
    this.#before = undefined;
  }

  #write(entry: Entry): void {
    assert(this.#writer !== undefined, 'tables of an image that is only read stay unchanged');
    if (this.#before) this.#settle();
    if (this.#flushFirst) {
      this.#writer.flush();
      this.#flushFirst = false;
    }
    this.#writer.write(entry.offset, new Uint8Array(entry.view.buffer));
    entry.dirty = false;
    this.#dirty--;
  }

  #remove(entry: Entry): ArrayBuffer {
    if (entry.dirty) this.#dirty--;
    this.#tables.delete(entry.offset);
    if (this.#last === entry) this.#last = undefined;
    const buffer = entry.view.buffer as ArrayBuffer;
    entry.view = GONE;
    return buffer;
  }

  #add(offset: number): Entry {
    let buffer: ArrayBuffer | undefined;
    if (this.#tables.size >= this.#most) {
      for (const oldest of this.#tables.values()) {
        if (oldest.dirty) this.#write(oldest);
        buffer = this.#remove(oldest);
        break;
      }
    }
    const view = new DataView(buffer ?? new ArrayBuffer(this.#tableBytes));
    const entry = { offset, view, dirty: false };
    this.#tables.set(offset, entry);
    this.#last = entry;
    return entry;
  }
}
