/**
 * Compresses clusters in worker threads, one per core. Buffers travel by transfer, nothing is copied on the way;
 * a batch goes to the thread that has least to do.
 *
 * The thread's program is the text of one function, so that the command stays a single file.
 */
import { availableParallelism } from 'node:os';
import type { MessagePort } from 'node:worker_threads';
import { Worker } from 'node:worker_threads';
import zlib from 'node:zlib';
import { DiskwrightError } from '../../engine/errors.ts';
import type { WritableImage } from '../../engine/image/writable.ts';
import type { Batch, Packed } from '../../jobs/convert/convert.ts';

type Compression = NonNullable<WritableImage['compression']>;

interface Order {
  readonly id: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly units: number;
  readonly unit: number;
  readonly compression: Compression;
}

interface Answer {
  readonly id: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The compressed units, one behind the other, and the length of each. */
  readonly packed: Uint8Array<ArrayBuffer>;
  readonly lengths: readonly number[];
}

/** Batches waiting in each thread, so that none is ever idle while the others' results are stored. */
const DEPTH = 4;

/** Runs in the thread; uses nothing but what it is given. What does not shrink has its unit's length and no bytes. */
function program(port: MessagePort, host: typeof zlib): void {
  port.on('message', ({ id, bytes, units, unit, compression }: Order) => {
    const packed = new Uint8Array(units * unit);
    const lengths: number[] = [];
    let end = 0;
    for (let i = 0; i < units; i++) {
      const from = bytes.subarray(i * unit, (i + 1) * unit);
      // As QEMU does it, down to the window of 4 KiB that some readers count on.
      const one =
        compression === 'zstd' && 'zstdCompressSync' in host && typeof host.zstdCompressSync === 'function'
          ? (host.zstdCompressSync(from) as Uint8Array)
          : host.deflateRawSync(from, {
              windowBits: 12,
              memLevel: 9,
              chunkSize: Math.max(64, unit + (unit >> 8) + 64),
            });
      lengths.push(Math.min(one.length, unit));
      if (one.length >= unit) continue;
      packed.set(one, end);
      end += one.length;
    }
    port.postMessage({ id, bytes, packed, lengths }, [bytes.buffer, packed.buffer]);
  });
}

const SOURCE = `(${program})(require('node:worker_threads').parentPort, require('node:zlib'))`;

interface Waiting {
  readonly batch: Batch;
  resolve(packed: Packed): void;
  reject(reason: unknown): void;
}

interface Thread {
  readonly worker: Worker;
  readonly waiting: Map<number, Waiting>;
}

function unitsOf({ packed, lengths }: Answer, unit: number): Uint8Array[] {
  let at = 0;
  return lengths.map((length) => {
    // Not shorter than a unit: it is stored plainly, and only its length counts.
    if (length >= unit) return new Uint8Array(unit);
    at += length;
    return packed.subarray(at - length, at);
  });
}

/** Refuses what this host cannot compress with. */
export function refuseCompression(compression: Compression): void {
  // Node has zstd from 22.15 on.
  if (compression === 'zlib' || 'zstdCompressSync' in zlib) return;
  throw new DiskwrightError('unsupported', `this version of Node (${process.version}) cannot compress with zstd`, {
    option: 'compression_type',
    fix: 'Use compression_type=zlib, or Node 22.15 or later.',
  });
}

export class DeflatePool {
  readonly #threads: Thread[];
  readonly #compression: Compression;
  #next = 0;
  #closing = false;

  /** `most`: no more threads than that. */
  constructor(compression: Compression, most = Number.POSITIVE_INFINITY) {
    refuseCompression(compression);
    this.#compression = compression;
    const count = Math.max(1, Math.min(most, availableParallelism()));
    this.#threads = Array.from({ length: count }, () => this.#start());
  }

  /** Batches that keep every thread busy. */
  get depth(): number {
    return this.#threads.length * DEPTH;
  }

  /** Takes the batch's buffer away, and gives it back with the result. */
  pack(batch: Batch): Promise<Packed> {
    const { bytes, units, unit } = batch;
    const least = Math.min(...this.#threads.map((thread) => thread.waiting.size));
    const thread = this.#threads.find((one) => one.waiting.size === least) as Thread;
    const id = this.#next++;
    const order: Order = { id, bytes, units, unit, compression: this.#compression };
    return new Promise((resolve, reject) => {
      thread.waiting.set(id, { batch, resolve, reject });
      thread.worker.postMessage(order, [bytes.buffer]);
    });
  }

  async close(): Promise<void> {
    this.#closing = true;
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()));
  }

  #start(): Thread {
    const worker = new Worker(SOURCE, { eval: true });
    const waiting = new Map<number, Waiting>();
    const fail = (reason: unknown): void => {
      if (this.#closing) return;
      for (const one of waiting.values()) one.reject(reason);
      waiting.clear();
    };
    worker.on('message', (answer: Answer) => {
      const one = waiting.get(answer.id);
      waiting.delete(answer.id);
      one?.resolve({ bytes: answer.bytes, units: unitsOf(answer, one.batch.unit) });
    });
    worker.on('error', fail);
    worker.on('exit', () => fail(new DiskwrightError('io', 'a thread that compresses has ended')));
    return { worker, waiting };
  }
}
