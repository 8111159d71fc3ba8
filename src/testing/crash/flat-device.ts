/** A small device in one piece of memory: copying it whole costs microseconds, which a crash test does all the time. */
import type { DeviceRun, WritableDevice } from '../../engine/device/device.ts';

export class FlatDevice implements WritableDevice {
  #bytes = new Uint8Array(1 << 16);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** All of it, for reading; valid until the next change. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#size);
  }

  /** Becomes a copy of `other`. */
  become(other: FlatDevice): void {
    this.resize(0);
    this.write(0, other.bytes);
  }

  read(at: number, into: Uint8Array): void {
    const there = this.#bytes.subarray(Math.min(at, this.#size), Math.min(at + into.length, this.#size));
    into.set(there);
    into.fill(0, there.length);
  }

  write(at: number, from: Uint8Array): void {
    if (from.length === 0) return;
    this.#reach(at + from.length);
    this.#bytes.set(from, at);
  }

  zero(at: number, length: number): void {
    if (length === 0) return;
    this.#reach(at + length);
    this.#bytes.fill(0, at, at + length);
  }

  resize(size: number): void {
    if (size > this.#size) this.#reach(size);
    else {
      this.#bytes.fill(0, size, this.#size);
      this.#size = size;
    }
  }

  *runs(at: number, length: number): Generator<DeviceRun> {
    const data = Math.max(0, Math.min(length, this.#size - at));
    if (data > 0) yield { kind: 'data', at, length: data };
    if (data < length) yield { kind: 'hole', at: at + data, length: length - data };
  }

  flush(): void {}

  close(): void {}

  /** Makes the device at least `end` long; behind the old end everything is zero. */
  #reach(end: number): void {
    if (end > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(end, this.#bytes.length * 2));
      larger.set(this.bytes);
      this.#bytes = larger;
    }
    this.#size = Math.max(this.#size, end);
  }
}
