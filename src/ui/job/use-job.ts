/** One build at a time: from the click to the report, the failure or the cancel. */
import { useCallback, useEffect, useRef, useState } from 'react';
import { DiskwrightError } from '../../engine/errors.ts';
import type { EngineClient, SaveOrder, SaveProgress, SaveReport } from '../../worker/engine-client.ts';

export type Job =
  | { readonly state: 'idle' }
  | {
      readonly state: 'building';
      readonly order: SaveOrder;
      readonly progress: SaveProgress | undefined;
      /** Rates since the start, oldest first. */
      readonly rates: readonly number[];
      readonly startedAt: number;
    }
  | { readonly state: 'finished'; readonly order: SaveOrder; readonly report: SaveReport }
  | { readonly state: 'failed'; readonly order: SaveOrder; readonly error: DiskwrightError }
  | { readonly state: 'cancelled'; readonly order: SaveOrder };

export interface JobControl {
  readonly job: Job;
  readonly start: (order: SaveOrder) => void;
  readonly cancel: () => void;
  /** Back to the form; `only`: from that state. */
  readonly reset: (only?: 'finished') => void;
}

const MOST_RATES = 240;

/** Every second one goes when there are too many: the curve keeps its shape. */
const thinned = (rates: readonly number[]): readonly number[] =>
  rates.length < MOST_RATES ? rates : rates.filter((_, index) => index % 2 === 0);

function withProgress(job: Job, progress: SaveProgress): Job {
  if (job.state !== 'building') return job;
  const rates = progress.rate > 0 ? [...thinned(job.rates), progress.rate] : job.rates;
  return { ...job, progress, rates };
}

export function useJob(client: EngineClient): JobControl {
  const [job, setJob] = useState<Job>({ state: 'idle' });
  const abort = useRef<AbortController>(undefined);

  const start = useCallback(
    (order: SaveOrder) => {
      const controller = new AbortController();
      abort.current?.abort();
      abort.current = controller;
      const settle = (next: Job) => {
        if (abort.current === controller) setJob(next);
      };
      setJob({ state: 'building', order, progress: undefined, rates: [], startedAt: performance.now() });
      const onProgress = (progress: SaveProgress) => {
        if (abort.current === controller) setJob((current) => withProgress(current, progress));
      };
      client.save(order, onProgress, controller.signal).then(
        (report) => settle({ state: 'finished', order, report }),
        (error: unknown) => {
          if (error instanceof DiskwrightError && error.kind === 'cancelled') settle({ state: 'cancelled', order });
          else if (error instanceof DiskwrightError) settle({ state: 'failed', order, error });
          else {
            const said = error instanceof Error ? error.message : String(error);
            settle({ state: 'failed', order, error: new DiskwrightError('io', said, { cause: error }) });
          }
        },
      );
    },
    [client],
  );
  const cancel = useCallback(() => abort.current?.abort(), []);
  const reset = useCallback(
    (only?: 'finished') => setJob((current) => (only && current.state !== only ? current : { state: 'idle' })),
    [],
  );
  useEffect(() => () => abort.current?.abort(), []);

  return { job, start, cancel, reset };
}
