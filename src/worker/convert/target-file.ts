/**
 * The file that a conversion fills, one shape for every way to the disk: devices that the engine writes without
 * waiting, and what has to be waited for between two of its steps.
 */
import type { WritableDevice } from '../../engine/device/device.ts';
import { MemoryDevice } from '../../engine/device/memory.ts';
import { FileOrder, LateFinder } from '../../jobs/convert/file-order.ts';
import { type Piece, SplitFile } from '../../jobs/convert/split-file.ts';
import { BlobSink } from '../../platform/browser/deliver/blob-sink.ts';
import type { FileSink, Finished } from '../../platform/browser/deliver/sink.ts';
import { verifyLength } from '../../platform/browser/deliver/sink.ts';
import { type Staged, stage } from '../../platform/browser/deliver/staging.ts';
import { SinkQueue } from './sink-queue.ts';

/** Holds only what a guest writes (a raw image, a data file); else the image's structures, too. */
export type Content = 'plain' | 'structured';

export interface TargetFile {
  readonly image: WritableDevice;
  /** Where clusters go that lie in the image; absent: to `image`. */
  readonly clusters: WritableDevice | undefined;
  /** Bytes that left so far. */
  readonly written: number;
  /** Zeros that take their space, where the way to the disk does not write them anyway. */
  take(at: number, length: number): Promise<void> | undefined;
  /** Call between two steps. */
  drain(): Promise<void> | undefined;
  /** The engine has closed the image. */
  finish(): Promise<Finished>;
  /** Takes back what was made; never throws. */
  abort(): Promise<void>;
}

const PIECE = 1024 * 1024;
const STEP = 4 * 1024 * 1024;
/** Most structures of each of two passes: both are kept during the second. */
const HALF = 96 * 1024 * 1024;

const nothing = (): undefined => undefined;

/** Small enough to be built in memory. */
export function memoryFile(): TargetFile {
  const device = new MemoryDevice();
  return {
    image: device,
    clusters: undefined,
    get written() {
      return device.resident;
    },
    take: nothing,
    drain: nothing,
    async finish() {
      const sink = new BlobSink();
      const buffer = new Uint8Array(PIECE);
      for (const { kind, at, length } of device.runs(0, device.size)) {
        for (let done = 0; done < length; done += PIECE) {
          const piece = buffer.subarray(0, Math.min(PIECE, length - done));
          if (kind === 'hole') sink.zeros(at + done, piece.length);
          else {
            device.read(at + done, piece);
            sink.write(at + done, piece);
          }
        }
      }
      const { size } = device;
      device.close();
      return await sink.finish(size);
    },
    async abort() {
      device.close();
    },
  };
}

/** Counts what is written to a device. */
class Counted implements WritableDevice {
  readonly #device: WritableDevice;
  written = 0;

  constructor(device: WritableDevice) {
    this.#device = device;
  }

  get size(): number {
    return this.#device.size;
  }
  read(at: number, into: Uint8Array): void {
    this.#device.read(at, into);
  }
  runs(at: number, length: number) {
    return this.#device.runs(at, length);
  }
  write(at: number, from: Uint8Array): void {
    this.written += from.length;
    this.#device.write(at, from);
  }
  zero(at: number, length: number): void {
    this.#device.zero(at, length);
  }
  resize(size: number): void {
    this.#device.resize(size);
  }
  /** Nobody reads it before it is finished. */
  flush(): void {}
  close(): void {}
}

/** Built in the browser's own storage, where everything can be read and written at its place. */
export class StagedFile implements TargetFile {
  readonly clusters = undefined;
  readonly image: Counted;
  readonly #staged: Staged;
  #closed = false;

  private constructor(staged: Staged) {
    this.#staged = staged;
    this.image = new Counted(staged.device);
  }

  static async open(): Promise<StagedFile> {
    return new StagedFile(await stage(0));
  }

  get written(): number {
    return this.image.written;
  }

  /** The download copies every byte, so zeros take their space there. */
  take(): undefined {}

  drain(): undefined {}

  async finish(): Promise<Finished> {
    const { device, file } = this.#staged;
    const length = device.size;
    device.flush();
    this.#close();
    this.#staged.offered();
    const download = await file.getFile();
    verifyLength(length, download.size);
    return { length, written: this.written, download };
  }

  async abort(): Promise<void> {
    this.#close();
    await this.#staged.remove().catch(() => {});
  }

  #close(): void {
    if (!this.#closed) this.#staged.device.close();
    this.#closed = true;
  }
}

/** Clusters go to their places at once, the structures last: until then no reader takes the file for an image. */
export class PlacedFile implements TargetFile {
  readonly image: WritableDevice;
  readonly clusters: WritableDevice | undefined;
  readonly split: SplitFile;
  readonly #sink: FileSink;
  readonly #queue: SinkQueue;

  constructor(sink: FileSink, content: Content) {
    this.#sink = sink;
    this.#queue = new SinkQueue(sink);
    this.split = new SplitFile((at, bytes) => this.#queue.bytes(at, bytes));
    const { structures, clusters } = this.split;
    this.image = content === 'plain' ? clusters : structures;
    this.clusters = content === 'plain' ? undefined : clusters;
  }

  get written(): number {
    return this.#queue.taken;
  }

  take(at: number, length: number): Promise<void> | undefined {
    this.#queue.zeros(at, length);
    return this.#queue.drain();
  }

  drain(): Promise<void> | undefined {
    return this.#queue.drain();
  }

  async finish(): Promise<Finished> {
    await this.drain();
    for (const { at, bytes } of this.split.pieces()) {
      this.#queue.bytes(at, bytes);
      await this.drain();
    }
    return await this.#sink.finish(this.split.size);
  }

  abort(): Promise<void> {
    return this.#sink.abort();
  }
}

/** What a first pass finds out: everything but the clusters themselves. */
export interface Survey {
  readonly length: number;
  readonly split: SplitFile;
  readonly late: readonly Piece[];
}

/** The first pass of two: nothing leaves. */
export class SurveyFile implements TargetFile {
  readonly #finder = new LateFinder();
  readonly split = new SplitFile((at, bytes) => this.#finder.write(at, bytes), HALF);
  readonly image: WritableDevice = this.split.structures;
  readonly clusters: WritableDevice = this.split.clusters;
  readonly written = 0;

  take(): undefined {}

  drain(): undefined {}

  async finish(): Promise<Finished> {
    return { length: this.split.size, written: 0 };
  }

  survey(): Survey {
    return { length: this.split.size, split: this.split, late: this.#finder.late() };
  }

  async abort(): Promise<void> {
    this.split.clear();
  }
}

/** Everything in the order of the file. Without a survey it must come in that order by itself. */
export class OrderedFile implements TargetFile {
  readonly image: WritableDevice;
  readonly clusters: WritableDevice | undefined;
  readonly split: SplitFile;
  readonly #sink: FileSink;
  readonly #queue: SinkQueue;
  readonly #order: FileOrder;
  readonly #length: number | undefined;

  constructor(sink: FileSink, content: Content, survey?: Survey) {
    this.#sink = sink;
    this.#queue = new SinkQueue(sink);
    this.#length = survey?.length;
    const structures = survey?.split ?? { pieces: (from: number, to: number) => this.#own(from, to) };
    this.#order = new FileOrder(structures, survey?.late ?? [], this.#queue);
    this.split = new SplitFile((at, bytes) => this.#order.write(at, bytes), HALF);
    this.image = content === 'plain' ? this.split.clusters : this.split.structures;
    this.clusters = content === 'plain' ? undefined : this.split.clusters;
  }

  get written(): number {
    return this.#queue.taken;
  }

  /** Holes are zeros on this way. */
  take(): undefined {}

  drain(): Promise<void> | undefined {
    return this.#queue.drain();
  }

  async finish(): Promise<Finished> {
    const length = this.#length ?? this.split.size;
    verifyLength(length, this.split.size);
    // A step at a time: what waits must not become the whole file.
    for (let at = Math.min(length, STEP); ; at = Math.min(length, at + STEP)) {
      this.#order.finish(at);
      await this.drain();
      if (at === length) break;
    }
    return await this.#sink.finish(length);
  }

  abort(): Promise<void> {
    return this.#sink.abort();
  }

  #own(from: number, to: number): Iterable<Piece> {
    return this.split.pieces(from, to);
  }
}
