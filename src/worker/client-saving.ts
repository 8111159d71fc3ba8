/** The page's half of a save: hands the opened targets to the worker, and takes them back where it comes to nothing. */
import { offerDownload } from '../platform/browser/deliver/download-link.ts';
import type { CallDetail } from './client-lane.ts';
import { dropTargets, type OpenTarget } from './client-targets.ts';
import type { SaveProgress } from './engine-client.ts';
import { cancelled, type Target } from './protocol.ts';

interface Saving {
  readonly signal: AbortSignal;
  readonly onProgress?: ((progress: SaveProgress) => void) | undefined;
}

/** `ask` sends the call with these targets and this detail. Rejects with what it rejects with, or `cancelled`. */
export async function saveThrough<T>(
  opened: readonly OpenTarget[],
  { signal, onProgress }: Saving,
  ask: (targets: readonly Target[], detail: CallDetail) => Promise<T>,
): Promise<T> {
  try {
    if (signal.aborted) throw cancelled();
    return await ask(
      opened.map(({ target }) => target),
      {
        signal,
        transfer: opened.flatMap(({ stream }) => (stream ? [stream.port] : [])),
        onEvent(event) {
          if (event.kind === 'progress') onProgress?.(event.progress);
          else if (event.kind === 'offer') offerDownload(event.file, event.name);
          else if (event.kind === 'stream-begin') opened[event.file]?.stream?.begin();
          else opened[event.file]?.stream?.ping();
        },
      },
    );
  } catch (error) {
    await dropTargets(opened);
    throw error;
  } finally {
    for (const { stream } of opened) stream?.end();
  }
}
