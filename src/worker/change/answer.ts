/** Answers what the page asks of an image that is to be changed. */
import { DiskwrightError } from '../../engine/errors.ts';
import type { Call, JobEvent } from '../protocol.ts';
import type { ChangeAnswers } from './protocol.ts';

type ChangeCall = Extract<Call, { name: 'change' }>;

export async function answerChange(
  { ask }: ChangeCall,
  _tell: (event: JobEvent) => void,
  _signal: AbortSignal,
): Promise<ChangeAnswers[keyof ChangeAnswers]> {
  if (ask.kind === 'forget') return undefined;
  throw new DiskwrightError('unsupported', 'Images cannot be changed here so far.');
}
