/**
 * A device over an open file of the host, through fs.*Sync.
 *
 * Node has neither fallocate nor SEEK_HOLE: `zero` writes real zeros, and the only hole that is known is
 * what lies behind everything that was there or was written. A block device has a fixed size.
 */
import { closeSync, fdatasync, fdatasyncSync, fstatSync, ftruncateSync, readSync, writeSync } from 'node:fs';
import type { DeviceRun, ReadableDevice, WritableDevice } from '../../engine/device/device.ts';
import { assertRange, assertTransfer } from '../../engine/device/transfer.ts';
import { DiskwrightError } from '../../engine/errors.ts';
import { hostError, onHost } from './host-error.ts';

/** Most that one system call writes: measured on Linux, writes of 512 KiB and more cost two to four times the CPU per byte. */
const MAX_WRITE = 128 * 1024;
const ZEROS = new Uint8Array(MAX_WRITE);

/** Fills `into` from `at`; what the file does not have becomes zeros. */
function readFully(fd: number, at: number, into: Uint8Array): void {
  let done = 0;
  while (done < into.length) {
    const count = readSync(fd, into, done, into.length - done, at + done);
    if (count === 0) break;
    done += count;
  }
  into.fill(0, done);
}

function writeFully(fd: number, at: number, from: Uint8Array): void {
  for (let done = 0; done < from.length; ) {
    done += writeSync(fd, from, done, Math.min(MAX_WRITE, from.length - done), at + done);
  }
}

/** Length of a block device: stat does not tell, but a read behind the end returns nothing. */
function probeLength(fd: number): number {
  const one = new Uint8Array(1);
  const has = (at: number): boolean => readSync(fd, one, 0, 1, at) === 1;
  if (!has(0)) return 0;
  let low = 0;
  let high = 512;
  while (high < 2 ** 52 && has(high)) {
    low = high;
    high *= 2;
  }
  while (high - low > 1) {
    const middle = low + Math.floor((high - low) / 2);
    if (has(middle)) low = middle;
    else high = middle;
  }
  return high;
}

/** A file or block device of this host, opened for reading. */
export class NodeReadDevice implements ReadableDevice {
  protected length: number;
  protected open = true;
  /** Nothing was ever written at or behind this offset. */
  protected written: number;
  /** A block device: its size stays. */
  readonly fixed: boolean;
  /** As the person typed it, for messages. */
  readonly path: string;
  /** The open file, for what only the shell asks of it. */
  readonly fd: number;

  constructor(fd: number, path: string) {
    this.fd = fd;
    this.path = path;
    const stat = onHost(path, 'read its size', () => fstatSync(fd));
    this.fixed = stat.isBlockDevice();
    this.length = this.fixed ? onHost(path, 'read its size', () => probeLength(fd)) : stat.size;
    this.written = this.length;
  }

  get size(): number {
    return this.length;
  }

  read(at: number, into: Uint8Array): void {
    this.check(at, into.length);
    assertTransfer(into.length);
    onHost(this.path, 'read', () => readFully(this.fd, at, into));
  }

  *runs(at: number, length: number): Generator<DeviceRun> {
    this.check(at, length);
    const data = Math.min(Math.max(this.written - at, 0), length);
    if (data > 0) yield { kind: 'data', at, length: data };
    if (data < length) yield { kind: 'hole', at: at + data, length: length - data };
  }

  close(): void {
    if (!this.open) return;
    this.open = false;
    onHost(this.path, 'close it', () => closeSync(this.fd));
  }

  protected check(at: number, length: number): void {
    assertRange(this.path, this.open, at, length);
  }
}

/** A file or block device of this host, opened for reading and writing. */
export class NodeFileDevice extends NodeReadDevice implements WritableDevice {
  write(at: number, from: Uint8Array): void {
    this.check(at, from.length);
    assertTransfer(from.length);
    if (from.length === 0) return;
    this.extend(at + from.length);
    onHost(this.path, 'write', () => writeFully(this.fd, at, from));
  }

  zero(at: number, length: number): void {
    this.check(at, length);
    if (length === 0) return;
    this.extend(at + length);
    for (let done = 0; done < length; done += ZEROS.length) {
      const part = ZEROS.subarray(0, Math.min(ZEROS.length, length - done));
      onHost(this.path, 'write zeros', () => writeFully(this.fd, at + done, part));
    }
  }

  resize(size: number): void {
    this.check(0, size);
    if (this.fixed) {
      this.fit(size);
      return;
    }
    onHost(this.path, `set its length to ${size} bytes`, () => ftruncateSync(this.fd, size));
    this.length = size;
    this.written = Math.min(this.written, size);
  }

  flush(): void {
    this.check(0, 0);
    onHost(this.path, 'bring it to the disk', () => fdatasyncSync(this.fd));
  }

  /** `flush` without blocking: bringing gigabytes to a disk takes a while, and a signal must get through. */
  flushed(): Promise<void> {
    this.check(0, 0);
    return new Promise((resolve, reject) => {
      fdatasync(this.fd, (failure) => {
        if (failure) reject(hostError(this.path, 'bring it to the disk', failure));
        else resolve();
      });
    });
  }

  /** Notes an extension beforehand: after a failed write the file may be anything up to `end` long. */
  private extend(end: number): void {
    if (this.fixed) this.fit(end);
    else this.length = Math.max(this.length, end);
    this.written = Math.max(this.written, end);
  }

  private fit(end: number): void {
    if (end <= this.length) return;
    throw new DiskwrightError('no-space', `${this.path}: the device has ${this.length} bytes, ${end} are needed`);
  }
}
