/** Answers what the page asks of an image that is to be changed. */
import { sessionOf } from '../open/current-session.ts';
import { ProgressMeter } from '../progress-meter.ts';
import type { Call, JobEvent } from '../protocol.ts';
import { offersFor } from './offers.ts';
import { carriedOut, forget, plan } from './plan.ts';
import type { ChangeAnswers } from './protocol.ts';
import { saveChange } from './save.ts';

type ChangeCall = Extract<Call, { name: 'change' }>;

export async function answerChange(
  { order, ask, targets = [] }: ChangeCall,
  tell: (event: JobEvent) => void,
  signal: AbortSignal,
): Promise<ChangeAnswers[keyof ChangeAnswers]> {
  if (ask.kind === 'forget') {
    await forget();
    return undefined;
  }
  const meter = new ProgressMeter((progress) => tell({ kind: 'progress', progress }));
  const session = await sessionOf(order, meter, signal);
  switch (ask.kind) {
    case 'offers':
      return await offersFor(session);
    case 'plan':
      return await plan(session, order, ask.change, meter, signal);
    case 'save': {
      const [target] = targets;
      if (!target) throw new Error('internal error: a change to be saved without a target');
      const { change, fileName } = ask;
      const done = await carriedOut(session, order, change, meter, signal);
      return await saveChange({ done, change, fileName, target, meter, tell }, signal);
    }
  }
}
