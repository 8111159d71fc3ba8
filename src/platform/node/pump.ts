/**
 * Runs an operation of the engine against a device, and lets Node's event loop turn at least every 100 ms,
 * so that a signal can cancel: the operation is then returned from (its `finally` runs) and `cancelled` thrown.
 */
import type { WritableDevice } from '../../engine/device/device.ts';
import { DiskwrightError } from '../../engine/errors.ts';
import type { Operation, Step } from '../../jobs/step.ts';

/** How work is watched and cancelled. */
export interface PumpOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** Half of what is promised: one step may be a slow 8 MiB write. */
const TURN_MS = 50;
/** The most zeros between two looks at the clock. */
const ZEROS_AT_ONCE = 8 * 1024 * 1024;

const eventLoop = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** What is said when something new was on its way. */
const REMOVED = 'cancelled; what was made is removed';

export function throwIfCancelled(signal: AbortSignal | undefined, message = REMOVED): void {
  if (signal?.aborted) throw new DiskwrightError('cancelled', message);
}

/** Waits for something that cannot be stopped, but no longer than until the signal. */
export async function unlessCancelled(work: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  throwIfCancelled(signal);
  if (!signal) return await work;
  await new Promise<void>((resolve, reject) => {
    const cancel = (): void => reject(new DiskwrightError('cancelled', REMOVED));
    signal.addEventListener('abort', cancel, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', cancel));
  });
}

/** Runs an operation against a device. Cancelled by its signal, it rejects with kind `cancelled`. */
export async function pump<Result>(
  operation: Operation<Result>,
  device: WritableDevice,
  { signal, onProgress }: PumpOptions = {},
): Promise<Result> {
  let turned = performance.now();
  const breathe = async (): Promise<void> => {
    if (performance.now() - turned < TURN_MS) return;
    await eventLoop();
    throwIfCancelled(signal);
    turned = performance.now();
  };
  const perform = async (step: Step): Promise<void> => {
    if (step.kind === 'emit') device.write(step.at, step.bytes);
    else if (step.kind === 'progress') onProgress?.(step.done, step.total);
    else {
      for (let from = 0; from < step.length; from += ZEROS_AT_ONCE) {
        device.zero(step.at + from, Math.min(ZEROS_AT_ONCE, step.length - from));
        await breathe();
      }
    }
    await breathe();
  };
  throwIfCancelled(signal);
  let finished = false;
  try {
    for (;;) {
      const next = operation.next();
      if (next.done) {
        finished = true;
        return next.value;
      }
      await perform(next.value);
    }
  } finally {
    if (!finished) operation.return(undefined as Result);
  }
}
