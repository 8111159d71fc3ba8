/**
 * A sparse device in memory: it holds only the pages that were written, so a 64 TiB image costs its
 * metadata. Zeroing and resizing are bookkeeping: they drop pages and never make any.
 */
import { roundUp } from '../bytes/math.ts';
import { DiskwrightError } from '../errors.ts';
import { type DeviceRun, MAX_TRANSFER, type WritableDevice } from './device.ts';
import { assertRange, assertTransfer } from './transfer.ts';

const PAGE = 64 * 1024;

/** A writable device in memory; holds only what was written, so that a huge sparse image costs its tables. */
export class MemoryDevice implements WritableDevice {
  private readonly pages = new Map<number, Uint8Array>();
  private length = 0;
  private open = true;

  get size(): number {
    return this.length;
  }

  /** Bytes of memory that the pages take. */
  get resident(): number {
    return this.pages.size * PAGE;
  }

  read(at: number, into: Uint8Array): void {
    this.check(at, into.length);
    assertTransfer(into.length);
    for (let done = 0; done < into.length; ) {
      const { page, from, length } = this.step(at + done, into.length - done);
      const bytes = this.pages.get(page);
      const target = into.subarray(done, done + length);
      if (bytes) target.set(bytes.subarray(from, from + length));
      else target.fill(0);
      done += length;
    }
  }

  write(at: number, from: Uint8Array): void {
    this.check(at, from.length);
    assertTransfer(from.length);
    for (let done = 0; done < from.length; ) {
      const step = this.step(at + done, from.length - done);
      let bytes = this.pages.get(step.page);
      if (!bytes) {
        bytes = this.allocate();
        this.pages.set(step.page, bytes);
      }
      bytes.set(from.subarray(done, done + step.length), step.from);
      done += step.length;
    }
    if (from.length > 0) this.length = Math.max(this.length, at + from.length);
  }

  zero(at: number, length: number): void {
    this.check(at, length);
    this.clear(at, at + length);
    if (length > 0) this.length = Math.max(this.length, at + length);
  }

  resize(size: number): void {
    this.check(0, size);
    if (size < this.length) this.clear(size, this.length);
    this.length = size;
  }

  *runs(at: number, length: number): Generator<DeviceRun> {
    this.check(at, length);
    const end = at + length;
    let cursor = at;
    for (const { from, to } of this.written(at, end)) {
      if (from > cursor) yield { kind: 'hole', at: cursor, length: from - cursor };
      yield { kind: 'data', at: from, length: to - from };
      cursor = to;
    }
    if (cursor < end) yield { kind: 'hole', at: cursor, length: end - cursor };
  }

  flush(): void {
    this.check(0, 0);
  }

  close(): void {
    this.open = false;
    this.pages.clear();
  }

  private check(at: number, length: number): void {
    assertRange('memory device', this.open, at, length);
  }

  /** The part of [at, at + left) that lies in one page. */
  private step(at: number, left: number): { page: number; from: number; length: number } {
    const page = Math.floor(at / PAGE);
    const from = at - page * PAGE;
    return { page, from, length: Math.min(left, PAGE - from) };
  }

  private allocate(): Uint8Array {
    try {
      return new Uint8Array(PAGE);
    } catch (cause) {
      throw new DiskwrightError('no-space', `memory device: no memory left after ${this.resident} bytes`, { cause });
    }
  }

  /** Numbers of the held pages that touch [from, to), lowest first. */
  private held(from: number, to: number): number[] {
    const first = Math.floor(from / PAGE);
    const end = Math.ceil(to / PAGE);
    const numbers: number[] = [];
    // Walk whichever is shorter: a huge range over few pages must not cost its length.
    if (end - first <= this.pages.size) {
      for (let page = first; page < end; page++) if (this.pages.has(page)) numbers.push(page);
      return numbers;
    }
    for (const page of this.pages.keys()) if (page >= first && page < end) numbers.push(page);
    return numbers.sort((a, b) => a - b);
  }

  /** Makes [from, to) read as zeros: whole pages are dropped, partial ones cleared. */
  private clear(from: number, to: number): void {
    // Nothing lies behind the end, so the last page goes as a whole.
    const until = to >= this.length ? roundUp(to, PAGE) : to;
    for (const page of this.held(from, until)) {
      const start = Math.max(from - page * PAGE, 0);
      const end = Math.min(until - page * PAGE, PAGE);
      if (start === 0 && end === PAGE) this.pages.delete(page);
      else this.pages.get(page)?.fill(0, start, end);
    }
  }

  /** Held stretches inside [at, end), neighbours joined. */
  private *written(at: number, end: number): Generator<{ from: number; to: number }> {
    let run: { from: number; to: number } | undefined;
    for (const page of this.held(at, Math.min(end, this.length))) {
      const from = Math.max(at, page * PAGE);
      const to = Math.min(end, this.length, (page + 1) * PAGE);
      // The file may end inside the page, before the stretch begins.
      if (to <= from) continue;
      if (run && run.to === from) run.to = to;
      else {
        if (run) yield run;
        run = { from, to };
      }
    }
    if (run) yield run;
  }
}

/** A memory device that holds `bytes`. */
export function memoryDeviceOf(bytes: Uint8Array): MemoryDevice {
  const device = new MemoryDevice();
  for (let at = 0; at < bytes.length; at += MAX_TRANSFER) device.write(at, bytes.subarray(at, at + MAX_TRANSFER));
  return device;
}
