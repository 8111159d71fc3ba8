/**
 * Runs the steps of a conversion in the worker: waits for what is read next, for who compresses and for the sink, and
 * lets messages have their turn. Cancelling interrupts every wait.
 */
import type { Batch, Conversion, Packed } from '../../jobs/convert/convert.ts';
import { cancelled } from '../protocol.ts';
import { nextTurn } from '../pump.ts';

const SLICE_MS = 16;

export interface Surroundings {
  need(at: number, length: number): Promise<void> | undefined;
  pack(batch: Batch): Promise<Packed>;
  /** What was written leaves. */
  drain(): Promise<void> | undefined;
  progress(done: number, total: number): void;
}

/** Waits, but no longer than until the signal. */
export function unlessCancelled<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) return Promise.reject(cancelled());
  return new Promise<T>((resolve, reject) => {
    const cancel = (): void => reject(cancelled());
    signal.addEventListener('abort', cancel, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', cancel));
  });
}

export async function runConversion(steps: Conversion, around: Surroundings, signal: AbortSignal): Promise<void> {
  const underWay = new Map<Batch, Promise<Packed>>();
  let finished = false;
  let sliceEnds = performance.now() + SLICE_MS;
  try {
    for (let answer: Packed | undefined; ; ) {
      if (signal.aborted) throw cancelled();
      const next = steps.next(answer);
      answer = undefined;
      const leaving = around.drain();
      if (leaving) await unlessCancelled(leaving, signal);
      if (next.done) {
        finished = true;
        return;
      }
      const step = next.value;
      if (step.kind === 'need') {
        const coming = around.need(step.at, step.length);
        if (coming) await unlessCancelled(coming, signal);
      } else if (step.kind === 'progress') around.progress(step.done, step.total);
      else if (step.kind === 'pack') {
        const packing = around.pack(step.batch);
        // A failure is told when its turn comes.
        packing.catch(() => {});
        underWay.set(step.batch, packing);
      } else if (step.kind === 'wait') {
        const packing = underWay.get(step.batch);
        if (!packing) throw new Error('internal error: a batch was never begun');
        underWay.delete(step.batch);
        answer = await unlessCancelled(packing, signal);
      }
      if (performance.now() >= sliceEnds) {
        await nextTurn();
        sliceEnds = performance.now() + SLICE_MS;
      }
    }
  } finally {
    if (!finished) steps.return();
  }
}
