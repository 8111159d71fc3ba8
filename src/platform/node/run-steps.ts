/**
 * Runs work of the engine on an open image, and lets Node's event loop turn now and then so that a signal can end
 * it between two steps: the work is then returned from (its `finally` runs), and closing leaves the image whole.
 */
import type { Steps } from '../../engine/image/writable.ts';
import { type PumpOptions, throwIfCancelled } from './pump.ts';
import { turnsOfEventLoop } from './turns.ts';

const LEFT_WHOLE = 'cancelled; the image is whole, the rest of the work is left undone';

/** Runs steps on an open image. Cancelled by its signal, it rejects with kind `cancelled` and the image is whole. */
export async function runSteps<Result>(
  steps: Steps<Result>,
  { signal, onProgress }: PumpOptions = {},
): Promise<Result> {
  const turn = turnsOfEventLoop(signal, LEFT_WHOLE);
  let finished = false;
  try {
    throwIfCancelled(signal, LEFT_WHOLE);
    for (;;) {
      const next = steps.next();
      if (next.done) {
        finished = true;
        return next.value;
      }
      onProgress?.(next.value.done, next.value.total);
      await turn();
    }
  } finally {
    // Work that threw has ended already, and this does nothing.
    if (!finished) steps.return(undefined as Result);
  }
}
