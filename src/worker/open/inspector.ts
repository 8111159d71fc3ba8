/**
 * The page's way into images that are looked at: a worker of their own, so that neither a build nor a forecast waits
 * for a check. Loaded when the first file is opened.
 */
import { offerDownload } from '../../platform/browser/deliver/download-link.ts';
import { createChanging, type Saving } from '../change/client.ts';
import { Lane } from '../client-lane.ts';
import { dropTargets, openTargets } from '../client-targets.ts';
import type { Inspector } from '../engine-client.ts';
import { cancelled } from '../protocol.ts';
import type { AskAnswers } from './protocol.ts';

export function createInspector(saving: Saving): Inspector {
  const { capabilities, pingInterval } = saving;
  const lane = new Lane();
  return {
    ...createChanging(lane, saving),

    async ask(order, ask, { onProgress, signal } = {}) {
      const answer = await lane.ask<'inspect'>(
        { name: 'inspect', order, ask },
        { signal, onEvent: (event) => event.kind === 'progress' && onProgress?.(event.progress) },
      );
      // The answer to a question has the type that `AskAnswers` gives to its kind.
      return answer as AskAnswers[(typeof ask)['kind']];
    },

    async extract(order, extraction, { onProgress, signal = new AbortController().signal }) {
      const file = {
        role: 'image',
        name: extraction.fileName,
        length: extraction.length,
        written: extraction.length,
      } as const;
      const opened = await openTargets({ gzip: false }, [file], capabilities(), pingInterval);
      try {
        if (signal.aborted) throw cancelled();
        const answer = await lane.ask<'inspect'>(
          {
            name: 'inspect',
            order,
            ask: { kind: 'extract', extraction },
            targets: opened.map(({ target }) => target),
          },
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
        return answer as AskAnswers['extract'];
      } catch (error) {
        await dropTargets(opened);
        throw error;
      } finally {
        for (const { stream } of opened) stream?.end();
      }
    },
  };
}
