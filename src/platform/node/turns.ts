/** Lets Node's event loop turn now and then while something long runs, so that a signal can cancel it. */
import { throwIfCancelled } from './pump.ts';

const TURN_MS = 50;

/** Call (and await) the result often: it costs a look at the clock. `message`: what is said when it was cancelled. */
export function turnsOfEventLoop(signal: AbortSignal | undefined, message = 'cancelled'): () => Promise<void> {
  let turned = performance.now();
  return async () => {
    if (performance.now() - turned < TURN_MS) return;
    await new Promise((resolve) => setImmediate(resolve));
    throwIfCancelled(signal, message);
    turned = performance.now();
  };
}
