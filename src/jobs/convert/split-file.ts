/**
 * A new image file in two halves: its own structures, which are few and are kept here until the end, and the guest's
 * clusters, which go on their way as they come. So a file that can only be written, or only in order, can be the
 * target of an engine that reads its tables again and puts the last of them in place when it is closed.
 *
 * A sector belongs to one half, to the one that wrote it last: clusters may come to lie where a table was.
 */
import type { DeviceRun, WritableDevice } from '../../engine/device/device.ts';
import { DiskwrightError } from '../../engine/errors.ts';

const SECTOR = 512;
const PAGE = 64 * 1024;
const PAGE_SECTORS = PAGE / SECTOR;
/** Structures that are kept in memory, at most. */
const MOST = 192 * 1024 * 1024;

/** Takes a stretch of clusters; the bytes are gone when it returns. */
export type ClusterTaker = (at: number, bytes: Uint8Array) => void;

interface Page {
  readonly bytes: Uint8Array;
  /** One for each sector that the structures own. */
  readonly owned: Uint8Array;
}

export interface Piece {
  readonly at: number;
  readonly bytes: Uint8Array;
}

export class SplitFile {
  readonly #pages = new Map<number, Page>();
  /** Page numbers in ascending order, as long as no page was added since. */
  #order: number[] | undefined;
  readonly #take: ClusterTaker;
  readonly #most: number;
  #size = 0;

  /** `most`: bytes of structures that are kept. */
  constructor(take: ClusterTaker, most = MOST) {
    this.#take = take;
    this.#most = most;
  }

  get size(): number {
    return this.#size;
  }

  /** Bytes of memory that the structures take. */
  get resident(): number {
    return this.#pages.size * (PAGE + PAGE_SECTORS);
  }

  readonly structures: WritableDevice = this.#halfOf({
    read: (at, into) => this.#read(at, into),
    write: (at, from) => this.#keep(at, from),
    zero: (at, length) => this.#zero(at, length),
  });

  readonly clusters: WritableDevice = this.#halfOf({
    read: () => {
      throw new Error('internal error: clusters that left are read again');
    },
    write: (at, from) => {
      this.#disown(at, at + from.length);
      this.#grow(at + from.length);
      this.#take(at, from);
    },
    zero: (at, length) => {
      const zeros = new Uint8Array(Math.min(length, 1024 * 1024));
      for (let done = 0; done < length; done += zeros.length) {
        this.clusters.write(at + done, zeros.subarray(0, Math.min(zeros.length, length - done)));
      }
    },
  });

  #keep(at: number, from: Uint8Array): void {
    for (let done = 0; done < from.length; ) {
      const { page, start, length } = this.#step(at + done, from.length - done);
      const { bytes, owned } = this.#page(page);
      bytes.set(from.subarray(done, done + length), start);
      owned.fill(1, Math.floor(start / SECTOR), Math.ceil((start + length) / SECTOR));
      done += length;
    }
    this.#grow(at + from.length);
  }

  /** The structures inside [from, to) in file order. The bytes are the file's own: read them at once. */
  *pieces(from = 0, to = Number.POSITIVE_INFINITY): Generator<Piece, void> {
    const order = this.#sorted();
    for (let i = firstFrom(order, Math.floor(from / PAGE)); i < order.length; i++) {
      const number = order[i] as number;
      const start = number * PAGE;
      if (start >= to) return;
      const { bytes, owned } = this.#pages.get(number) as Page;
      for (let sector = owned.indexOf(1); sector >= 0; ) {
        const free = owned.indexOf(0, sector);
        const end = free < 0 ? PAGE_SECTORS : free;
        const [a, b] = [
          Math.max(from - start, sector * SECTOR),
          Math.min(to - start, end * SECTOR, this.#size - start),
        ];
        if (b > a) yield { at: start + a, bytes: bytes.subarray(a, b) };
        sector = owned.indexOf(1, end);
      }
    }
  }

  clear(): void {
    this.#pages.clear();
    this.#order = undefined;
  }

  #halfOf(own: Pick<WritableDevice, 'read' | 'write' | 'zero'>): WritableDevice {
    const size = (): number => this.#size;
    return {
      ...own,
      get size() {
        return size();
      },
      *runs(at: number, length: number): Iterable<DeviceRun> {
        yield { kind: 'data', at, length };
      },
      resize: (to: number) => this.#resize(to),
      flush: () => {},
      close: () => {},
    };
  }

  #grow(to: number): void {
    this.#size = Math.max(this.#size, to);
  }

  #resize(to: number): void {
    if (to < this.#size) this.#zero(to, this.#size - to);
    this.#size = to;
  }

  #read(at: number, into: Uint8Array): void {
    for (let done = 0; done < into.length; ) {
      const { page, start, length } = this.#step(at + done, into.length - done);
      const there = this.#pages.get(page);
      const part = into.subarray(done, done + length);
      if (there) part.set(there.bytes.subarray(start, start + length));
      else part.fill(0);
      done += length;
    }
  }

  #zero(at: number, length: number): void {
    const end = at + length;
    for (const number of this.#sorted()) {
      if (number * PAGE >= end || (number + 1) * PAGE <= at) continue;
      const [a, b] = [Math.max(0, at - number * PAGE), Math.min(PAGE, end - number * PAGE)];
      this.#pages.get(number)?.bytes.fill(0, a, b);
    }
    this.#grow(end);
  }

  #disown(from: number, to: number): void {
    for (let page = Math.floor(from / PAGE); page * PAGE < to; page++) {
      const there = this.#pages.get(page);
      if (!there) continue;
      const [a, b] = [Math.max(0, from - page * PAGE), Math.min(PAGE, to - page * PAGE)];
      const [first, end] = [Math.floor(a / SECTOR), Math.ceil(b / SECTOR)];
      there.owned.fill(0, first, end);
      there.bytes.fill(0, first * SECTOR, end * SECTOR);
    }
  }

  #page(number: number): Page {
    let page = this.#pages.get(number);
    if (!page) {
      if (this.resident >= this.#most) {
        throw new DiskwrightError('no-space', 'The tables of this image are too large for the memory of a page.', {
          fix: 'Choose larger clusters, or use the diskwright command.',
        });
      }
      page = { bytes: new Uint8Array(PAGE), owned: new Uint8Array(PAGE_SECTORS) };
      this.#pages.set(number, page);
      this.#order = undefined;
    }
    return page;
  }

  #sorted(): number[] {
    this.#order ??= [...this.#pages.keys()].sort((a, b) => a - b);
    return this.#order;
  }

  /** The part of [at, at + left) that lies in one page. */
  #step(at: number, left: number): { page: number; start: number; length: number } {
    const page = Math.floor(at / PAGE);
    const start = at - page * PAGE;
    return { page, start, length: Math.min(left, PAGE - start) };
  }
}

/** Index of the first number that is at least `wanted`, in an ascending list. */
function firstFrom(numbers: readonly number[], wanted: number): number {
  let low = 0;
  let high = numbers.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((numbers[middle] as number) < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}
