/**
 * A file in the making: nothing counts on it before it has its name, so it is brought to the disk once, at the end,
 * by whoever gives it the name. Flushing as the engine asks for it would only cost time.
 */
import type { DeviceRun, WritableDevice } from '../../engine/device/device.ts';

export class WithoutFlushes implements WritableDevice {
  readonly #device: WritableDevice;

  constructor(device: WritableDevice) {
    this.#device = device;
  }

  get size(): number {
    return this.#device.size;
  }

  read(at: number, into: Uint8Array): void {
    this.#device.read(at, into);
  }

  runs(at: number, length: number): Iterable<DeviceRun> {
    return this.#device.runs(at, length);
  }

  write(at: number, from: Uint8Array): void {
    this.#device.write(at, from);
  }

  zero(at: number, length: number): void {
    this.#device.zero(at, length);
  }

  resize(size: number): void {
    this.#device.resize(size);
  }

  flush(): void {}

  close(): void {}
}
