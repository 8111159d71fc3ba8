/** Answers what the page asks of conversions. A survey waits here for the second half of its job. */

import { ProgressMeter } from '../progress-meter.ts';
import type { Call, JobEvent } from '../protocol.ts';
import { convert, lengthOf, type Surveyed, survey } from './job.ts';
import { measure } from './measure.ts';
import type { ConvertAnswers } from './protocol.ts';

type ConvertCall = Extract<Call, { name: 'convert' }>;

const surveys = new Map<string, Surveyed>();

async function forget(id: string): Promise<void> {
  const surveyed = surveys.get(id);
  surveys.delete(id);
  await surveyed?.drop();
}

export async function answerConvert(
  { order, ask, targets = [] }: ConvertCall,
  tell: (event: JobEvent) => void,
  signal: AbortSignal,
): Promise<ConvertAnswers[keyof ConvertAnswers]> {
  switch (ask.kind) {
    case 'forecast': {
      const meter = new ProgressMeter((progress) => tell({ kind: 'progress', progress }));
      let phase = '';
      const show = (words: string, done: number, total: number): void => {
        if (words === phase) meter.update(done, total);
        else meter.begin(words, order.fileName, done, total);
        phase = words;
      };
      return await measure(order, show, signal);
    }
    case 'survey': {
      const surveyed = await survey({ order, job: ask.job, tell, signal });
      surveys.set(ask.job.id, surveyed);
      return lengthOf(surveyed);
    }
    case 'run': {
      const surveyed = surveys.get(ask.job.id);
      surveys.delete(ask.job.id);
      return await convert({ order, job: ask.job, tell, signal }, targets, surveyed);
    }
    case 'forget':
      await forget(ask.job.id);
      return undefined;
  }
}
