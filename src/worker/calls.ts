/** Answers the page's calls with the engine, in the dedicated worker. */
import { DiskwrightError } from '../engine/errors.ts';
import { findFormat, formats } from '../engine/formats/index.ts';
import { type ForecastReport, reportForecast } from '../jobs/forecast.ts';
import { removeLeftovers, stagingWorks } from '../platform/browser/deliver/staging.ts';
import type { CreateOrder } from './engine-client.ts';
import { identify } from './identify.ts';
import { type Answers, type Call, type FromWorker, type JobEvent, packError, type ToWorker } from './protocol.ts';
import { digest, planSave, save } from './save-job.ts';

declare const self: DedicatedWorkerGlobalScope;

// What can be made here is loaded now, so that it can still be made when the network is gone. A load that
// fails is told by the call that needs it.
for (const format of formats) if (format.options) format.load().catch(() => {});

const running = new Map<number, AbortController>();

async function forecast(order: CreateOrder): Promise<ForecastReport> {
  const create = (await findFormat(order.format)?.load())?.create;
  if (!create) throw new DiskwrightError('unsupported', `Images of format "${order.format}" cannot be made here.`);
  return reportForecast(create.forecast({ texts: order.texts }));
}

async function abilities(): Promise<Answers['abilities']> {
  const opfs = await stagingWorks();
  // What is left from earlier is of no interest to the answer.
  if (opfs) removeLeftovers().catch(() => {});
  return { opfs };
}

function answer(call: Call, tell: (event: JobEvent) => void, signal: AbortSignal): Promise<Answers[Call['name']]> {
  switch (call.name) {
    case 'abilities':
      return abilities();
    case 'forecast':
      return forecast(call.order);
    case 'identify':
      return identify(call.file);
    case 'plan':
      return planSave(call.order);
    case 'save':
      return save(call.order, call.targets, tell, signal);
    case 'digest':
      return digest(call.order, call.role, tell, signal);
    case 'inspect':
      return import('./open/answer.ts').then(({ answerAbout }) => answerAbout(call, tell, signal));
    case 'change':
      return import('./change/changer.ts').then(({ answerChange }) => answerChange(call, tell, signal));
    case 'convert':
      return import('./convert/conversions.ts').then(({ answerConvert }) => answerConvert(call, tell, signal));
  }
}

const post = (message: FromWorker) => self.postMessage(message);

export async function hear(data: ToWorker): Promise<void> {
  const { id } = data;
  if (data.kind === 'cancel') {
    running.get(id)?.abort();
    return;
  }
  const job = new AbortController();
  running.set(id, job);
  try {
    const tell = (event: JobEvent) => post({ kind: 'event', id, event });
    post({ kind: 'answer', id, answer: await answer(data.call, tell, job.signal) });
  } catch (error) {
    post({ kind: 'failure', id, failure: packError(error) });
  } finally {
    running.delete(id);
  }
}
