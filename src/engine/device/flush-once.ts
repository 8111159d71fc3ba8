/** A device that is flushed only when something was written since the last time: bringing data to a disk is dear. */
import type { DeviceRun, WritableDevice } from './device.ts';

export class FlushOnce implements WritableDevice {
  readonly #device: WritableDevice;
  #pending = false;

  constructor(device: WritableDevice) {
    this.#device = device;
  }

  get size(): number {
    return this.#device.size;
  }

  read(at: number, into: Uint8Array): void {
    this.#device.read(at, into);
  }

  write(at: number, from: Uint8Array): void {
    this.#pending = true;
    this.#device.write(at, from);
  }

  zero(at: number, length: number): void {
    this.#pending = true;
    this.#device.zero(at, length);
  }

  resize(size: number): void {
    if (size === this.#device.size) return;
    this.#pending = true;
    this.#device.resize(size);
  }

  flush(): void {
    if (!this.#pending) return;
    this.#device.flush();
    this.#pending = false;
  }

  runs(at: number, length: number): Iterable<DeviceRun> {
    return this.#device.runs(at, length);
  }

  close(): void {
    this.#device.close();
  }
}
