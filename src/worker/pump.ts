/**
 * Runs an engine operation in slices of about 16 ms, so that messages (cancel!) get their turn, and waits
 * for its consumer. Cancelling interrupts a wait at once and ends the operation through `return`.
 */
import type { Operation, Progress, Step } from '../jobs/step.ts';
import { cancelled } from './protocol.ts';

const SLICE_MS = 16;

/** Where the steps go; a promise makes the operation wait. */
export interface StepTaker {
  write(at: number, bytes: Uint8Array): void | Promise<void>;
  zeros(at: number, length: number): void | Promise<void>;
  progress(progress: Progress): void | Promise<void>;
}

const { port1: turnEnd, port2: turnStart } = new MessageChannel();

/** The next turn of the event loop; timers would wait 4 ms. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    turnEnd.addEventListener('message', () => resolve(), { once: true });
    turnEnd.start();
    turnStart.postMessage(undefined);
  });
}

function hand(step: Step, taker: StepTaker): void | Promise<void> {
  if (step.kind === 'emit') return taker.write(step.at, step.bytes);
  if (step.kind === 'zeros') return taker.zeros(step.at, step.length);
  return taker.progress(step);
}

export async function pump<Result>(
  operation: Operation<Result>,
  taker: StepTaker,
  signal: AbortSignal,
): Promise<Result> {
  let interrupt: (reason: Error) => void = () => {};
  const onAbort = () => interrupt(cancelled());
  const unlessCancelled = (wait: Promise<void>) =>
    new Promise<void>((resolve, reject) => {
      interrupt = reject;
      wait.then(resolve, reject);
    });
  signal.addEventListener('abort', onAbort);
  let finished = false;
  try {
    let sliceEnds = performance.now() + SLICE_MS;
    for (;;) {
      if (signal.aborted) throw cancelled();
      const { done, value } = operation.next();
      if (done) {
        finished = true;
        return value;
      }
      const wait = hand(value, taker);
      if (wait) await unlessCancelled(wait);
      if (performance.now() >= sliceEnds) {
        await nextTurn();
        sliceEnds = performance.now() + SLICE_MS;
      }
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    // What it would return is of no interest: `return` is for its `finally` blocks.
    if (!finished) operation.return(undefined as Result);
  }
}
