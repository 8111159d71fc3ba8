/** Runs an engine's work on an open image; what goes wrong is told with the image's name. */
import type { Steps } from '../engine/image/writable.ts';
import { named } from '../platform/node/open-images.ts';
import { runSteps } from '../platform/node/run-steps.ts';
import type { Io } from './io.ts';

export async function runNamed<Result>(
  name: string,
  steps: Steps<Result>,
  io: Io,
  onProgress?: (done: number, total: number) => void,
): Promise<Result> {
  try {
    return await runSteps(steps, {
      ...(io.signal ? { signal: io.signal } : {}),
      ...(onProgress ? { onProgress } : {}),
    });
  } catch (thrown) {
    return named(name, () => {
      throw thrown;
    });
  }
}
