/**
 * Fetches what a conversion reads next, where its chain has it as plain bytes of a chosen file: large slices, a few on
 * their way at once. What must be decoded is read when its turn comes; decoding costs more than reading then.
 */
import { locateInChain } from '../../engine/image/access.ts';
import type { Source } from '../../jobs/convert/stretches.ts';
import { PrefetchedFile, type Slice } from '../../platform/browser/prefetched-file.ts';

const SLICE = 8 * 1024 * 1024;
/** On their way or waiting, bytes and slices. */
const MOST_BYTES = 24 * 1024 * 1024;
const MOST_SLICES = 16;
/** A gap in the file that is read rather than left out: its bytes cost less than another slice. */
const READ_GAP = 128 * 1024;
/** The plan looks no further ahead of what is needed than this: what lies there may be zeros for terabytes. */
const FAR = 256 * 1024 * 1024;

interface Planned {
  readonly file: PrefetchedFile;
  readonly slice: Slice;
  /** What of the disks is in it. */
  readonly from: number;
  readonly to: number;
}

interface Gathered {
  readonly file: PrefetchedFile;
  readonly host: number;
  readonly from: number;
  hostEnd: number;
  to: number;
}

export class ReadAhead {
  readonly #sources: readonly Source[];
  readonly #total: number;
  #planned: Planned[] = [];
  #bytes = 0;
  /** The disks are planned up to here. */
  #at = 0;

  constructor(sources: readonly Source[]) {
    this.#sources = sources;
    this.#total = sources.reduce((sum, { chain }) => sum + chain[0].virtualSize, 0);
  }

  /** What is before `at` is not read again; resolves when the stretch is here, undefined: it is. */
  need(at: number, length: number): Promise<void> | undefined {
    this.#drop(at);
    this.#plan(at, at + length);
    const missing = this.#planned.filter(({ from, slice }) => from < at + length && !slice.bytes);
    if (missing.length === 0) return undefined;
    return Promise.all(missing.map(({ slice }) => slice.loaded)).then(() => {});
  }

  close(): void {
    this.#drop(Number.POSITIVE_INFINITY);
  }

  #drop(before: number): void {
    this.#planned = this.#planned.filter(({ file, slice, to }) => {
      if (to > before) return true;
      file.release(slice);
      this.#bytes -= slice.length;
      return false;
    });
  }

  #plan(needed: number, until: number): void {
    if (this.#at < needed) this.#at = needed;
    let gathered: Gathered | undefined;
    const room = (): boolean => this.#planned.length < MOST_SLICES && this.#bytes < MOST_BYTES;
    while (this.#at < this.#total && this.#at < needed + FAR && (room() || this.#at < until)) {
      const found = this.#locate(this.#at, Math.min(SLICE, this.#total - this.#at));
      const { file, host, length } = found;
      if (file) {
        const follows = gathered?.file === file && host >= gathered.hostEnd && host - gathered.hostEnd <= READ_GAP;
        if (gathered && follows && host + length - gathered.host <= SLICE) {
          gathered.hostEnd = host + length;
          gathered.to = this.#at + length;
        } else {
          if (gathered) this.#fetch(gathered);
          gathered = { file, host, hostEnd: host + length, from: this.#at, to: this.#at + length };
        }
      }
      this.#at += length;
    }
    if (gathered) this.#fetch(gathered);
  }

  #fetch({ file, host, hostEnd, from, to }: Gathered): void {
    const end = Math.min(hostEnd, file.size);
    if (end <= host) return;
    this.#planned.push({ file, slice: file.fetch(host, end - host), from, to });
    this.#bytes += end - host;
  }

  #locate(at: number, length: number): { file?: PrefetchedFile; host: number; length: number } {
    let start = 0;
    for (const { chain } of this.#sources) {
      const size = chain[0].virtualSize;
      if (at < start + size) {
        const { extent } = locateInChain(chain, at - start, Math.min(length, start + size - at));
        if (extent.kind !== 'data' || !(extent.device instanceof PrefetchedFile))
          return { host: 0, length: extent.length };
        return { file: extent.device, host: extent.host, length: extent.length };
      }
      start += size;
    }
    throw new Error(`internal error: nothing is at ${at}`);
  }
}
