/**
 * A device that is written to and leaves what it lies over alone. It keeps in memory only bytes that stand nowhere else
 * (tables, headers); everything else is a reference to where it stands: the file below, or data that a caller lends
 * while it is written. So a copy of any size costs its tables, and what the new file is put together from can be told.
 */
import { formatBytes } from '../bytes/units.ts';
import { DiskwrightError } from '../errors.ts';
import type { DeviceRun, ReadableDevice, WritableDevice } from './device.ts';
import { type BytesSource, References } from './references.ts';
import { assertRange, assertTransfer } from './transfer.ts';

const PAGE = 16 * 1024;
/** Looked at between two steps. */
const PAGES_A_STEP = 64;

/**
 * A stretch of the finished file: `own` bytes are read from the overlay, `reference` ones stand in `source` at `from`,
 * `zeros` are to take their space, a `hole` none.
 */
export type OverlayPiece =
  | { readonly kind: 'own' | 'zeros' | 'hole'; readonly at: number; readonly length: number }
  | {
      readonly kind: 'reference';
      readonly at: number;
      readonly length: number;
      readonly source: BytesSource;
      readonly from: number;
    };

export interface OverlaySettings {
  /** What it lies over; absent: nothing. */
  readonly base?: ReadableDevice;
  /** Bytes that may be kept in memory. */
  readonly mostOwn: number;
}

/** Bytes that a caller holds only for a moment, and where they can be read again. */
interface Loan {
  readonly bytes: Uint8Array;
  readonly source: BytesSource;
  readonly from: number;
  readonly part: number;
}

/** Looked at before the rest is. */
const GLANCE = 512;

/** Whether exactly these bytes stand in the source at `at`. */
function standsAt(source: BytesSource, at: number, bytes: Uint8Array): boolean {
  for (let done = 0; done < bytes.length; ) {
    const length = Math.min(bytes.length - done, done === 0 ? GLANCE : bytes.length);
    const there = new Uint8Array(length);
    source.read(at + done, there);
    for (let i = 0; i < length; i++) if (there[i] !== bytes[done + i]) return false;
    done += length;
  }
  return true;
}

export class OverlayDevice implements WritableDevice {
  readonly #settings: OverlaySettings;
  readonly #pages = new Map<number, Uint8Array>();
  readonly #references = new References();
  #loan: Loan | undefined;
  #size = 0;
  #open = true;

  constructor(settings: OverlaySettings) {
    this.#settings = settings;
    const { base } = settings;
    if (!base) return;
    this.#references.set(0, base.size, base, 0);
    this.#size = base.size;
  }

  get size(): number {
    return this.#size;
  }

  /** Bytes of memory that are kept. */
  get own(): number {
    return this.#pages.size * PAGE;
  }

  /**
   * While `call` runs, what is written out of `bytes` is kept as a reference to `source`, where they begin at `from`.
   * With `part`, whoever writes fills parts of that many bytes up around them, with what may stand in the source, too:
   * what is written is compared with what is there.
   */
  lending<T>(bytes: Uint8Array, source: BytesSource, from: number, call: () => T, part = 1): T {
    this.#loan = { bytes, source, from, part };
    try {
      return call();
    } finally {
      this.#loan = undefined;
    }
  }

  read(at: number, into: Uint8Array): void {
    this.#check(at, into.length);
    assertTransfer(into.length);
    if (this.#pages.size === 0) {
      this.#readBelow(at, into);
      return;
    }
    for (let done = 0; done < into.length; ) {
      const own = this.#pages.get(Math.floor((at + done) / PAGE));
      let length = Math.min(PAGE - ((at + done) % PAGE), into.length - done);
      if (own) {
        const from = (at + done) % PAGE;
        into.set(own.subarray(from, from + length), done);
      } else {
        // One read for all that is not own.
        while (done + length < into.length && !this.#pages.has((at + done + length) / PAGE)) {
          length += Math.min(PAGE, into.length - done - length);
        }
        this.#readBelow(at + done, into.subarray(done, done + length));
      }
      done += length;
    }
  }

  write(at: number, from: Uint8Array): void {
    this.#check(at, from.length);
    assertTransfer(from.length);
    if (from.length === 0) return;
    const lent = this.#lent(from);
    if (lent) {
      this.#cover(at, at + from.length, from);
      this.#references.set(at, at + from.length, lent.source, lent.from);
    } else {
      for (let done = 0; done < from.length; ) {
        const number = Math.floor((at + done) / PAGE);
        const start = (at + done) % PAGE;
        const part = from.subarray(done, done + PAGE - start);
        (this.#pages.get(number) ?? this.#newPage(number, part.length === PAGE)).set(part, start);
        done += part.length;
      }
    }
    this.#size = Math.max(this.#size, at + from.length);
  }

  zero(at: number, length: number): void {
    this.#check(at, length);
    if (length === 0) return;
    this.#cover(at, at + length);
    this.#references.set(at, at + length, undefined, 0);
    this.#size = Math.max(this.#size, at + length);
  }

  resize(size: number): void {
    this.#check(0, size);
    if (size < this.#size) {
      this.#cover(size, Math.ceil(this.#size / PAGE) * PAGE);
      this.#references.clear(size, this.#size);
    }
    this.#size = size;
  }

  *runs(at: number, length: number): Generator<DeviceRun> {
    let hole: { at: number; length: number } | undefined;
    let data: { at: number; length: number } | undefined;
    for (const piece of this.pieces(at, length)) {
      const isHole = piece.kind === 'hole' || piece.kind === 'zeros';
      const same = isHole ? hole : data;
      if (same) {
        same.length += piece.length;
        continue;
      }
      if (hole) yield { kind: 'hole', ...hole };
      if (data) yield { kind: 'data', ...data };
      hole = isHole ? { at: piece.at, length: piece.length } : undefined;
      data = isHole ? undefined : { at: piece.at, length: piece.length };
    }
    if (hole) yield { kind: 'hole', ...hole };
    if (data) yield { kind: 'data', ...data };
  }

  /** What [at, at + length) is put together from, in order and without gaps. */
  *pieces(at = 0, length = this.#size): Generator<OverlayPiece, void> {
    this.#check(at, length);
    const end = at + length;
    let cursor = at;
    for (const number of this.#held(at, end)) {
      const from = Math.max(cursor, number * PAGE);
      const to = Math.min(end, this.#size, (number + 1) * PAGE);
      if (to <= from) continue;
      yield* this.#below(cursor, from);
      yield { kind: 'own', at: from, length: to - from };
      cursor = to;
    }
    yield* this.#below(cursor, end);
  }

  flush(): void {
    this.#check(0, 0);
  }

  /** What it lies over stays open. */
  close(): void {
    this.#open = false;
    this.#pages.clear();
    this.#references.clear(0, Number.MAX_SAFE_INTEGER);
  }

  /** Gives up kept pages whose bytes are those of the base: nothing was changed there. Yields once in a while. */
  *dropUnchanged(): Generator<void, void> {
    const { base } = this.#settings;
    if (!base) return;
    const there = new Uint8Array(PAGE);
    for (const [looked, number] of this.#held(0, base.size).entries()) {
      if (looked % PAGES_A_STEP === PAGES_A_STEP - 1) yield;
      const at = number * PAGE;
      const length = Math.min(PAGE, this.#size - at);
      const page = this.#pages.get(number) as Uint8Array;
      if (length <= 0 || at + length > base.size) continue;
      base.read(at, there);
      let i = 0;
      while (i < length && there[i] === page[i]) i++;
      if (i < length) continue;
      this.#pages.delete(number);
      this.#references.set(at, at + length, base, at);
    }
  }

  #check(at: number, length: number): void {
    assertRange('overlay', this.#open, at, length);
  }

  #lent(written: Uint8Array): { source: BytesSource; from: number } | undefined {
    if (!this.#loan) return undefined;
    const { bytes, source, from, part } = this.#loan;
    if (bytes.buffer === written.buffer) {
      const into = written.byteOffset - bytes.byteOffset;
      return into < 0 || into + written.length > bytes.length ? undefined : { source, from: from + into };
    }
    if (part === 1) return undefined;
    // Filled up in front, from the beginning of a part; what fills up behind; or zeros in another's words.
    const starts = [from - (from % part), from + bytes.length, from];
    const start = starts.find((one) => standsAt(source, one, written));
    return start === undefined ? undefined : { source, from: start };
  }

  #newPage(number: number, whole: boolean): Uint8Array {
    if (this.own + PAGE > this.#settings.mostOwn) {
      throw new DiskwrightError(
        'no-space',
        `The change rewrites more than ${formatBytes(this.#settings.mostOwn)} of tables and parts of clusters, more than memory is to hold.`,
        { fix: 'Do it with the diskwright command.' },
      );
    }
    const page = new Uint8Array(PAGE);
    if (!whole) this.#readBelow(number * PAGE, page);
    this.#pages.set(number, page);
    return page;
  }

  /** [at, end) is about to come from elsewhere: pages inside go, the ends of others take `bytes` (absent: zeros). */
  #cover(at: number, end: number, bytes?: Uint8Array): void {
    for (const number of this.#held(at, end)) {
      const start = number * PAGE;
      const from = Math.max(at, start);
      const to = Math.min(end, start + PAGE);
      if (to - from === PAGE) this.#pages.delete(number);
      else if (bytes) this.#pages.get(number)?.set(bytes.subarray(from - at, to - at), from - start);
      else this.#pages.get(number)?.fill(0, from - start, to - start);
    }
  }

  /** Numbers of the kept pages that touch [from, to), lowest first. */
  #held(from: number, to: number): number[] {
    const first = Math.floor(from / PAGE);
    const end = Math.ceil(to / PAGE);
    const numbers: number[] = [];
    // Walk whichever is shorter.
    if (end - first <= this.#pages.size) {
      for (let page = first; page < end; page++) if (this.#pages.has(page)) numbers.push(page);
      return numbers;
    }
    for (const page of this.#pages.keys()) if (page >= first && page < end) numbers.push(page);
    return numbers.sort((a, b) => a - b);
  }

  #readBelow(at: number, into: Uint8Array): void {
    let done = 0;
    for (const { at: start, length, source, from } of this.#references.within(at, at + into.length)) {
      into.fill(0, done, start - at);
      done = start - at + length;
      const part = into.subarray(start - at, done);
      if (source) source.read(from, part);
      else part.fill(0);
    }
    into.fill(0, done);
  }

  *#below(at: number, end: number): Generator<OverlayPiece, void> {
    let cursor = at;
    for (const { at: start, length, source, from } of this.#references.within(at, end)) {
      if (start > cursor) yield { kind: 'hole', at: cursor, length: start - cursor };
      if (source) yield { kind: 'reference', at: start, length, source, from };
      else yield { kind: 'zeros', at: start, length };
      cursor = start + length;
    }
    if (cursor < end) yield { kind: 'hole', at: cursor, length: end - cursor };
  }
}
