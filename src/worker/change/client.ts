/** The page's half of changing an image: asks the inspector's worker, opens what only the page can open for saving. */
import type { Capabilities } from '../../platform/browser/deliver/choose.ts';
import type { Lane } from '../client-lane.ts';
import { saveThrough } from '../client-saving.ts';
import { openTargets } from '../client-targets.ts';
import type { AskDetail, Inspector } from '../engine-client.ts';
import type { OpenOrder } from '../open/protocol.ts';
import { unpackError } from '../protocol.ts';
import type { ChangeAnswers, ChangeAsk } from './protocol.ts';

export interface Saving {
  readonly capabilities: () => Capabilities;
  readonly pingInterval: number;
}

type Changing = Pick<Inspector, 'changesOf' | 'planChange' | 'change' | 'forgetChange'>;

export function createChanging(lane: Lane, { capabilities, pingInterval }: Saving): Changing {
  const ask = async <Kind extends ChangeAsk['kind']>(
    order: OpenOrder,
    asked: Extract<ChangeAsk, { kind: Kind }>,
    { onProgress, signal }: AskDetail = {},
  ): Promise<ChangeAnswers[Kind]> => {
    const answer = await lane.ask<'change'>(
      { name: 'change', order, ask: asked },
      { signal, onEvent: (event) => event.kind === 'progress' && onProgress?.(event.progress) },
    );
    // The answer to a question has the type that `ChangeAnswers` gives to its kind.
    return answer as ChangeAnswers[Kind];
  };
  return {
    changesOf: (order, detail) => ask<'offers'>(order, { kind: 'offers' }, detail),
    planChange: (order, change, detail) => ask<'plan'>(order, { kind: 'plan', change }, detail),
    forgetChange: (order) => ask<'forget'>(order, { kind: 'forget' }),

    async change(order, { change, fileName, sink }, { onProgress, signal = new AbortController().signal } = {}) {
      // Answered at once where it was planned before; the click still counts then.
      const plan = await ask<'plan'>(
        order,
        { kind: 'plan', change },
        { ...(onProgress ? { onProgress } : {}), signal },
      );
      if (plan.refused) throw unpackError({ kind: 'unsupported', ...plan.refused });
      const { length, written } = plan.after;
      const wish = { gzip: false, ...(sink === undefined ? {} : { sink }) };
      const file = { role: 'image', name: fileName, length, written } as const;
      const opened = await openTargets(wish, [file], capabilities(), pingInterval);
      const answer = await saveThrough(opened, { signal, onProgress }, (targets, detail) =>
        lane.ask<'change'>({ name: 'change', order, ask: { kind: 'save', change, fileName }, targets }, detail),
      );
      return answer as ChangeAnswers['save'];
    },
  };
}
