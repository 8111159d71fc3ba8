/**
 * L2 tables that were read lately: a bounded number of them, the one used longest ago makes room. Reading only;
 * memory stays the same whatever the size of the image.
 */
import type { ReadableDevice } from '../../device/device.ts';

/** All tables together. */
const MAX_BYTES = 8 * 1024 * 1024;
const MIN_TABLES = 4;

export class TableCache {
  readonly #device: ReadableDevice;
  readonly #tableBytes: number;
  readonly #most: number;
  /** Host offset → table; a Map keeps the order of insertion, so the first is the oldest. */
  readonly #tables = new Map<number, DataView>();

  constructor(device: ReadableDevice, tableBytes: number) {
    this.#device = device;
    this.#tableBytes = tableBytes;
    this.#most = Math.max(MIN_TABLES, Math.floor(MAX_BYTES / tableBytes));
  }

  /** The table at `offset`; valid until the next call. */
  get(offset: number): DataView {
    let table = this.#tables.get(offset);
    if (table) this.#tables.delete(offset);
    else {
      let bytes: Uint8Array | undefined;
      if (this.#tables.size >= this.#most) {
        for (const [oldest, view] of this.#tables) {
          this.#tables.delete(oldest);
          bytes = new Uint8Array(view.buffer);
          break;
        }
      }
      bytes ??= new Uint8Array(this.#tableBytes);
      // Behind the end are zeros, also at offsets that no device can have.
      if (offset < this.#device.size) this.#device.read(offset, bytes);
      else bytes.fill(0);
      table = new DataView(bytes.buffer);
    }
    this.#tables.set(offset, table);
    return table;
  }
}
