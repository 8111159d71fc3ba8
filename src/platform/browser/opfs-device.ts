/**
 * A device over a file in the origin's private file system. Opening is asynchronous, everything else is
 * not, so this runs in a dedicated worker alone.
 *
 * Two browsers let a file fail to grow without an exception or under a name of their own: the size
 * is compared after every resize and every failure to grow is `no-space`.
 */
import { formatBytes } from '../../engine/bytes/units.ts';
import { type DeviceRun, MAX_TRANSFER, type WritableDevice } from '../../engine/device/device.ts';
import { DiskwrightError } from '../../engine/errors.ts';

/** Zeros written at once. */
const ZEROS = new Uint8Array(1024 * 1024);

export class OpfsDevice implements WritableDevice {
  readonly #handle: FileSystemSyncAccessHandle;
  #size: number;

  constructor(handle: FileSystemSyncAccessHandle) {
    this.#handle = handle;
    this.#size = handle.getSize();
  }

  static async open(file: FileSystemFileHandle): Promise<OpfsDevice> {
    try {
      return new OpfsDevice(await file.createSyncAccessHandle());
    } catch (cause) {
      const locked = cause instanceof Error && cause.name === 'NoModificationAllowedError';
      const message = locked ? 'The staged file is open elsewhere.' : "The browser's storage could not be opened.";
      throw new DiskwrightError(locked ? 'locked' : 'io', message, { cause });
    }
  }

  get size(): number {
    return this.#size;
  }

  read(at: number, into: Uint8Array): void {
    this.#checkRange(at, into.length);
    const wanted = Math.max(0, Math.min(into.length, this.#size - at));
    let done = 0;
    while (done < wanted) {
      const got = this.#try(() => this.#handle.read(into.subarray(done, wanted), { at: at + done }), 'io', 'read');
      if (got === 0) throw new DiskwrightError('io', `The browser's storage ended at byte ${at + done}.`);
      done += got;
    }
    into.fill(0, wanted);
  }

  /** Where the browser keeps holes it does not tell. */
  *runs(at: number, length: number): Iterable<DeviceRun> {
    const data = Math.max(0, Math.min(length, this.#size - at));
    if (data > 0) yield { kind: 'data', at, length: data };
    if (data < length) yield { kind: 'hole', at: at + data, length: length - data };
  }

  write(at: number, from: Uint8Array): void {
    this.#checkRange(at, from.length);
    if (from.length === 0) return;
    let done = 0;
    while (done < from.length) {
      const wrote = this.#try(() => this.#handle.write(from.subarray(done), { at: at + done }), 'no-space', 'write');
      if (wrote === 0) throw noSpace(at + from.length);
      done += wrote;
    }
    this.#size = Math.max(this.#size, at + from.length);
  }

  zero(at: number, length: number): void {
    for (let done = 0; done < length; done += ZEROS.length) {
      this.write(at + done, ZEROS.subarray(0, Math.min(ZEROS.length, length - done)));
    }
  }

  resize(size: number): void {
    if (!Number.isSafeInteger(size) || size < 0)
      throw new DiskwrightError('out-of-range', `No file has ${size} bytes.`);
    try {
      this.#handle.truncate(size);
    } catch (cause) {
      this.#size = this.#handle.getSize();
      throw noSpace(size, cause);
    }
    this.#size = this.#handle.getSize();
    if (this.#size !== size) throw noSpace(size);
  }

  flush(): void {
    this.#try(() => this.#handle.flush(), 'no-space', 'flush');
  }

  close(): void {
    this.#handle.close();
  }

  #checkRange(at: number, length: number): void {
    if (length > MAX_TRANSFER) throw new DiskwrightError('out-of-range', `A transfer of ${length} bytes is too large.`);
    if (!Number.isSafeInteger(at) || at < 0) throw new DiskwrightError('out-of-range', `No byte ${at} is in a file.`);
  }

  #try<T>(access: () => T, kind: 'io' | 'no-space', verb: string): T {
    try {
      return access();
    } catch (cause) {
      if (kind === 'no-space') throw noSpace(this.#size, cause);
      throw new DiskwrightError(kind, `The browser's storage failed to ${verb}.`, { cause });
    }
  }
}

function noSpace(size: number, cause?: unknown): DiskwrightError {
  return new DiskwrightError('no-space', `The browser's storage did not take a file of ${formatBytes(size)}.`, {
    cause,
    fix: 'Free some disk space, or make a smaller image.',
  });
}
