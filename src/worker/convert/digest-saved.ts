/** SHA-256 of a saved file, read again: its bytes were written at their places, not in order. */
import { Sha256 } from '../../jobs/sha256.ts';

/** Above it a digest takes longer than one waits for unasked. */
const UNASKED = 4 * 1024 ** 3;

/** Undefined for a long file, one that cannot be read, and after a cancel: it is saved all the same. */
export async function digestSaved(
  file: Blob,
  onProgress: (done: number, total: number) => void,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (file.size > UNASKED) return undefined;
  const hash = new Sha256();
  const reader = file.stream().getReader();
  let done = 0;
  try {
    for (;;) {
      if (signal.aborted) return undefined;
      onProgress(done, file.size);
      const step = await reader.read();
      if (step.done) return hash.finish();
      hash.update(step.value);
      done += step.value.length;
    }
  } catch {
    return undefined;
  } finally {
    reader.cancel().catch(() => {});
  }
}
