/** A device that notes every change and every flush in order, so that a crash after any of them can be played. */
import type { DeviceRun, WritableDevice } from '../../engine/device/device.ts';
import type { FlatDevice } from './flat-device.ts';

export type DeviceEvent =
  | { readonly kind: 'write'; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: 'zero'; readonly at: number; readonly length: number }
  | { readonly kind: 'resize'; readonly size: number }
  | { readonly kind: 'flush' };

export function applyEvent(device: WritableDevice, event: DeviceEvent): void {
  if (event.kind === 'write') device.write(event.at, event.bytes);
  else if (event.kind === 'zero') device.zero(event.at, event.length);
  else if (event.kind === 'resize') device.resize(event.size);
}

/** How the recorder passes events on; another order than the real one stands for a broken engine. */
export type Order = 'true' | 'flushes dropped' | 'writes swapped';

export class RecordingDevice implements WritableDevice {
  readonly #device: FlatDevice;
  readonly #order: Order;
  #events: DeviceEvent[] = [];
  /** A write that a swapped order holds back until the next one is through. */
  #held: DeviceEvent | undefined;

  constructor(device: FlatDevice, order: Order = 'true') {
    this.#device = device;
    this.#order = order;
  }

  /** What happened since the last call. */
  take(): DeviceEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
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
    if (from.length === 0) return;
    this.#note({ kind: 'write', at, bytes: from.slice() });
    this.#device.write(at, from);
  }

  zero(at: number, length: number): void {
    if (length === 0) return;
    this.#note({ kind: 'zero', at, length });
    this.#device.zero(at, length);
  }

  resize(size: number): void {
    this.#note({ kind: 'resize', size });
    this.#device.resize(size);
  }

  flush(): void {
    this.#note({ kind: 'flush' });
  }

  close(): void {}

  #note(event: DeviceEvent): void {
    if (this.#order === 'flushes dropped' && event.kind === 'flush') return;
    if (this.#order !== 'writes swapped') {
      this.#events.push(event);
      return;
    }
    if (event.kind === 'flush') this.#events.push(event);
    else if (this.#held) {
      this.#events.push(event, this.#held);
      this.#held = undefined;
    } else this.#held = event;
  }
}
