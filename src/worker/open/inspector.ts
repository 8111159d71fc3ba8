/**
 * The page's way into images that are looked at: a worker of their own, so that neither a build nor a forecast waits
 * for a check. Loaded when the first file is opened.
 */
import { createChanging, type Saving } from '../change/client.ts';
import { Lane } from '../client-lane.ts';
import { saveThrough } from '../client-saving.ts';
import { openTargets } from '../client-targets.ts';
import type { Inspector } from '../engine-client.ts';
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
      const answer = await saveThrough(opened, { signal, onProgress }, (targets, detail) =>
        lane.ask<'inspect'>({ name: 'inspect', order, ask: { kind: 'extract', extraction }, targets }, detail),
      );
      return answer as AskAnswers['extract'];
    },
  };
}
