/** A device that fails on command: at the nth call of a kind, or when it would pass a length. */
import type { WritableDevice } from '../engine/device/device.ts';
import { MemoryDevice } from '../engine/device/memory.ts';
import { DiskwrightError } from '../engine/errors.ts';

export interface Faults {
  /** Bytes that fit; a write or zero beyond fails with `no-space` after writing what fits. */
  readonly room?: number;
  /** Fails each `resize` to this length. */
  readonly resizeTo?: number;
}

export class FaultyDevice extends MemoryDevice implements WritableDevice {
  private readonly faults: Faults;

  constructor(faults: Faults) {
    super();
    this.faults = faults;
  }

  override write(at: number, from: Uint8Array): void {
    const fits = Math.max(Math.min(from.length, this.room - at), 0);
    super.write(at, from.subarray(0, fits));
    if (fits < from.length) throw this.full();
  }

  override zero(at: number, length: number): void {
    const fits = Math.max(Math.min(length, this.room - at), 0);
    super.zero(at, fits);
    if (fits < length) throw this.full();
  }

  override resize(size: number): void {
    if (size === this.faults.resizeTo) throw new DiskwrightError('io', 'faulty device: cannot resize');
    super.resize(size);
  }

  private get room(): number {
    return this.faults.room ?? Number.POSITIVE_INFINITY;
  }

  private full(): DiskwrightError {
    return new DiskwrightError('no-space', 'faulty device: full');
  }
}
