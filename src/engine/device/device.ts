/**
 * What the engine needs of a place that holds bytes. Everything is synchronous: the engine runs in a
 * worker (or in Node), where files can be read and written without waiting.
 *
 * Offsets and lengths are bytes. One `read` or `write` moves at most 8 MiB. Failures are thrown as
 * DiskwrightError of kind `io`, `no-space` or `out-of-range`.
 */

/** A stretch of a device: `data` may hold anything, a `hole` reads as zeros and takes no space. */
export interface DeviceRun {
  readonly kind: 'data' | 'hole';
  readonly at: number;
  readonly length: number;
}

/** Bytes at offsets, to be read. */
export interface ReadableDevice {
  /** Length in bytes. */
  readonly size: number;
  /** Fills `into` from offset `at`; bytes past the end are zeros. */
  read(at: number, into: Uint8Array): void;
  /** Data and hole runs that cover [at, at + length) in order, without gaps. */
  runs(at: number, length: number): Iterable<DeviceRun>;
  close(): void;
}

/** A read-only device lacks this half, so the compiler forbids writing to a dropped file. */
export interface WritableDevice extends ReadableDevice {
  /** Writes all of `from` at offset `at`; writing past the end extends the device. */
  write(at: number, from: Uint8Array): void;
  /**
   * Makes [at, at + length) read as zeros and takes its space where the host can: this is what
   * preallocation asks for. Extends the device like a write does.
   */
  zero(at: number, length: number): void;
  /** Sets the length. What is new reads as zeros and stays a hole where the host has holes. */
  resize(size: number): void;
  /** Everything written before it is on the medium when it returns. */
  flush(): void;
}

/** The most that one read or write moves. */
export const MAX_TRANSFER = 8 * 1024 * 1024;
