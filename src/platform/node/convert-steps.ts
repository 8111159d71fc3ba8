/** Runs a conversion on this host: batches go to the pool, results come back in their turn, a signal ends it. */
import type { Batch, Conversion, Packed } from '../../jobs/convert/convert.ts';
import type { DeflatePool } from './deflate-pool.ts';
import { type PumpOptions, throwIfCancelled, unlessCancelled } from './pump.ts';
import { turnsOfEventLoop } from './turns.ts';

/** `pool`: absent where nothing is compressed. */
export async function runConversion(
  steps: Conversion,
  pool: DeflatePool | undefined,
  { signal, onProgress }: PumpOptions,
): Promise<void> {
  const turn = turnsOfEventLoop(signal);
  const underWay = new Map<Batch, Promise<Packed>>();
  const start = (batch: Batch): void => {
    if (!pool) throw new Error('internal error: there is nobody to compress');
    const result = pool.pack(batch);
    // A failure is told when its turn comes; until then it must not end the process.
    result.catch(() => {});
    underWay.set(batch, result);
  };
  const resultOf = async (batch: Batch): Promise<Packed> => {
    let packed: Packed | undefined;
    const wait = async (): Promise<void> => {
      packed = await underWay.get(batch);
    };
    await unlessCancelled(wait(), signal);
    underWay.delete(batch);
    if (!packed) throw new Error('internal error: a batch was never begun');
    return packed;
  };
  let finished = false;
  try {
    throwIfCancelled(signal);
    for (let answer: Packed | undefined; ; ) {
      const next = steps.next(answer);
      answer = undefined;
      if (next.done) {
        finished = true;
        return;
      }
      const step = next.value;
      if (step.kind === 'progress') onProgress?.(step.done, step.total);
      else if (step.kind === 'pack') start(step.batch);
      else if (step.kind === 'wait') answer = await resultOf(step.batch);
      await turn();
    }
  } finally {
    if (!finished) steps.return();
  }
}
