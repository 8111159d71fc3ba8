/** Brings a finished overlay into a sink: in file order, holes skipped where the sink has places. */
import type { OverlayDevice } from '../../engine/device/overlay.ts';
import type { FileSink } from '../../platform/browser/deliver/sink.ts';
import { unlessCancelled } from '../convert/run-steps.ts';
import { cancelled } from '../protocol.ts';
import { nextTurn } from '../pump.ts';
import { type Batch, BatchLoader, batchesOf, type Empty } from './batches.ts';

const SLICE_MS = 16;
/** Batches on their way beside the one that leaves. */
const AHEAD = 3;
const MOST_ZEROS = 8 * 1024 * 1024;
/** What is all zeros in such a block stays a hole: a dropped file does not tell where it has some. */
const BLOCK = 64 * 1024;

export interface Delivery {
  readonly overlay: OverlayDevice;
  readonly sink: FileSink;
  /** Zeros that were asked for take their space. */
  readonly keepZeros: boolean;
  progress(done: number): void;
}

function isZeroBlock(bytes: Uint8Array, from: number, to: number): boolean {
  const words = new Int32Array(bytes.buffer, bytes.byteOffset + from, (to - from) >> 2);
  for (const word of words) if (word !== 0) return false;
  for (let i = from + words.length * 4; i < to; i++) if (bytes[i] !== 0) return false;
  return true;
}

/** Stretches of `bytes` that are not all zeros, cut at multiples of a block. */
function* dataIn(bytes: Uint8Array): Generator<{ readonly from: number; readonly to: number }, void> {
  let from = -1;
  for (let at = 0; at < bytes.length; at += BLOCK) {
    if (!isZeroBlock(bytes, at, Math.min(bytes.length, at + BLOCK))) {
      if (from < 0) from = at;
    } else if (from >= 0) {
      yield { from, to: at };
      from = -1;
    }
  }
  if (from >= 0) yield { from, to: bytes.length };
}

export async function deliver(delivery: Delivery, signal: AbortSignal): Promise<void> {
  const { overlay, sink, keepZeros, progress } = delivery;
  const loader = new BatchLoader(overlay);
  const coming: (Batch | Empty)[] = [];
  const source = batchesOf(overlay);
  let turns = performance.now() + SLICE_MS;
  let more = true;
  let batches = 0;
  const fill = (): void => {
    while (more && batches <= AHEAD) {
      const next = source.next();
      more = !next.done;
      if (next.done) return;
      coming.push(next.value);
      if (next.value.kind !== 'bytes') continue;
      loader.begin(next.value);
      batches++;
    }
  };
  const wait = async (work: void | Promise<void>): Promise<void> => {
    if (work) await unlessCancelled(work, signal);
  };
  const leave = async (one: Batch | Empty): Promise<void> => {
    if (one.kind === 'bytes') {
      batches--;
      const bytes = await unlessCancelled(loader.bytes(one), signal);
      if (!sink.positioned) return await wait(sink.write(one.at, bytes));
      for (const { from, to } of dataIn(bytes)) await wait(sink.write(one.at + from, bytes.subarray(from, to)));
      return;
    }
    if (sink.positioned && !(keepZeros && one.kind === 'zeros')) return;
    for (let done = 0; done < one.length; done += MOST_ZEROS) {
      await wait(sink.zeros(one.at + done, Math.min(MOST_ZEROS, one.length - done)));
      progress(one.at + done);
    }
  };
  try {
    for (;;) {
      if (signal.aborted) throw cancelled();
      fill();
      const one = coming.shift();
      if (!one) return;
      await leave(one);
      progress(one.at + one.length);
      if (performance.now() < turns) continue;
      await nextTurn();
      turns = performance.now() + SLICE_MS;
    }
  } finally {
    loader.close();
  }
}
