/**
 * Compresses batches in workers that the page started, one per core. A batch goes to the worker that has least to do;
 * each has a few waiting, so that none is idle while results are stored. That a worker is lost only the page can tell:
 * it ends the conversion then.
 */
import type { Batch, Packed } from '../../jobs/convert/convert.ts';
import type { PackAnswer, PackOrder } from './pack-messages.ts';

/** Batches waiting in each worker. */
const DEPTH = 4;
/** Under way at once. */
const MOST_BYTES = 64 * 1024 * 1024;
/** Units that are smaller come together in one batch. */
const LEAST_BATCH = 1024 * 1024;

interface Waiting {
  readonly unit: number;
  resolve(packed: Packed): void;
}

interface Packer {
  readonly port: MessagePort;
  readonly waiting: Map<number, Waiting>;
}

function unitsOf({ packed, lengths }: PackAnswer, unit: number): Uint8Array[] {
  let at = 0;
  return lengths.map((length) => {
    // Not shorter than a unit: it is stored plainly, and only its length counts.
    if (length >= unit) return new Uint8Array(unit);
    at += length;
    return packed.subarray(at - length, at);
  });
}

export class PackPool {
  readonly #packers: Packer[];
  readonly #level: number;
  #next = 0;
  /** Bytes compressed so far, and what they became. */
  from = 0;
  to = 0;

  constructor(ports: readonly MessagePort[], level: number) {
    this.#level = level;
    this.#packers = ports.map((port) => this.#connect(port));
    if (this.#packers.length === 0) throw new Error('internal error: there is nobody to compress');
  }

  /** Batches of such units that keep every worker busy, as far as memory allows. */
  depthFor(unit: number): number {
    // The units, and what they become.
    const bytes = 2 * Math.max(LEAST_BATCH, unit);
    return Math.max(1, Math.min(this.#packers.length * DEPTH, Math.floor(MOST_BYTES / bytes)));
  }

  pack({ bytes, units, unit }: Batch): Promise<Packed> {
    const id = this.#next++;
    const packer = this.#packers.reduce((least, one) => (one.waiting.size < least.waiting.size ? one : least));
    const order: PackOrder = { id, bytes, units, unit, level: this.#level };
    return new Promise((resolve) => {
      packer.waiting.set(id, { unit, resolve });
      packer.port.postMessage(order, [bytes.buffer]);
    });
  }

  /** A second pass counts from the start. */
  forgetCounts(): void {
    this.from = 0;
    this.to = 0;
  }

  close(): void {
    for (const { port, waiting } of this.#packers) {
      port.close();
      waiting.clear();
    }
  }

  #connect(port: MessagePort): Packer {
    const waiting = new Map<number, Waiting>();
    port.onmessage = ({ data }: MessageEvent<PackAnswer>) => {
      const one = waiting.get(data.id);
      waiting.delete(data.id);
      if (!one) return;
      this.from += data.lengths.length * one.unit;
      this.to += data.lengths.reduce((sum, length) => sum + length, 0);
      one.resolve({ bytes: data.bytes, units: unitsOf(data, one.unit) });
    };
    return { port, waiting };
  }
}
