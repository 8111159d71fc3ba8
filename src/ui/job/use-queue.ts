/** Jobs that wait for each other: one runs, the rest follow in the order they were asked for. */
import { useCallback, useEffect, useReducer, useRef } from 'react';
import { DiskwrightError } from '../../engine/errors.ts';
import type { SaveProgress } from '../../worker/engine-client.ts';

export interface Running<Progress> {
  readonly state: 'running';
  readonly progress: Progress | undefined;
  /** Rates since the start, oldest first. */
  readonly rates: readonly number[];
  readonly startedAt: number;
  /** Asked to stop, and not yet at an end. */
  readonly stopping: boolean;
}

export type JobState<Progress, Report> =
  | { readonly state: 'waiting' | 'cancelled' }
  | Running<Progress>
  | { readonly state: 'finished'; readonly report: Report }
  | { readonly state: 'failed'; readonly error: DiskwrightError };

export interface QueuedJob<Task, Progress, Report> {
  readonly id: string;
  readonly task: Task;
  readonly now: JobState<Progress, Report>;
}

type Action<Task, Progress, Report> =
  | { readonly type: 'add'; readonly id: string; readonly task: Task }
  | { readonly type: 'now'; readonly id: string; readonly now: JobState<Progress, Report> }
  | { readonly type: 'progress'; readonly id: string; readonly progress: Progress }
  | { readonly type: 'stopping'; readonly id: string }
  | { readonly type: 'remove'; readonly id: string };

const MOST_RATES = 240;

/** Every second one goes when there are too many: the curve keeps its shape. */
const thinned = (rates: readonly number[]): readonly number[] =>
  rates.length < MOST_RATES ? rates : rates.filter((_, index) => index % 2 === 0);

function reduce<Task, Progress extends SaveProgress, Report>(
  jobs: readonly QueuedJob<Task, Progress, Report>[],
  action: Action<Task, Progress, Report>,
): readonly QueuedJob<Task, Progress, Report>[] {
  if (action.type === 'add') return [...jobs, { id: action.id, task: action.task, now: { state: 'waiting' } }];
  if (action.type === 'remove') return jobs.filter((job) => job.id !== action.id);
  return jobs.map((job) => {
    if (job.id !== action.id) return job;
    if (action.type === 'now') return { ...job, now: action.now };
    if (job.now.state !== 'running') return job;
    if (action.type === 'stopping') return { ...job, now: { ...job.now, stopping: true } };
    const { progress } = action;
    const rates = progress.rate > 0 ? [...thinned(job.now.rates), progress.rate] : job.now.rates;
    return { ...job, now: { ...job.now, progress, rates } };
  });
}

export interface Queue<Task, Progress, Report> {
  readonly jobs: readonly QueuedJob<Task, Progress, Report>[];
  readonly add: (id: string, task: Task) => void;
  /** A job that runs stops, one that waits never starts. */
  readonly cancel: (id: string) => void;
  readonly remove: (id: string) => void;
}

export interface Work<Task, Progress, Report> {
  run(task: Task, onProgress: (progress: Progress) => void, signal: AbortSignal): Promise<Report>;
  /** Takes back a job that will not run. */
  drop(task: Task): Promise<void>;
}

const asError = (error: unknown): DiskwrightError =>
  error instanceof DiskwrightError
    ? error
    : new DiskwrightError('io', error instanceof Error ? error.message : String(error), { cause: error });

export function useQueue<Task, Progress extends SaveProgress, Report>(
  work: Work<Task, Progress, Report>,
): Queue<Task, Progress, Report> {
  const [jobs, dispatch] = useReducer(reduce<Task, Progress, Report>, []);
  const running = useRef<{ readonly id: string; readonly abort: AbortController }>(undefined);

  useEffect(() => {
    const next = jobs.find((job) => job.now.state === 'waiting');
    if (!next || running.current) return;
    const { id, task } = next;
    const abort = new AbortController();
    running.current = { id, abort };
    const settle = (now: JobState<Progress, Report>) => {
      running.current = undefined;
      dispatch({ type: 'now', id, now });
    };
    const startedAt = performance.now();
    dispatch({
      type: 'now',
      id,
      now: { state: 'running', progress: undefined, rates: [], startedAt, stopping: false },
    });
    const onProgress = (progress: Progress) => dispatch({ type: 'progress', id, progress });
    work.run(task, onProgress, abort.signal).then(
      (report) => settle({ state: 'finished', report }),
      (thrown: unknown) => {
        const error = asError(thrown);
        settle(error.kind === 'cancelled' ? { state: 'cancelled' } : { state: 'failed', error });
      },
    );
  }, [jobs, work]);
  // The page is left: nothing goes on behind it.
  useEffect(() => () => running.current?.abort.abort(), []);

  const add = useCallback((id: string, task: Task) => dispatch({ type: 'add', id, task }), []);
  const cancel = useCallback(
    (id: string) => {
      if (running.current?.id === id) {
        running.current.abort.abort();
        dispatch({ type: 'stopping', id });
        return;
      }
      const waiting = jobs.find((job) => job.id === id && job.now.state === 'waiting');
      if (!waiting) return;
      work.drop(waiting.task).catch(() => {});
      dispatch({ type: 'now', id, now: { state: 'cancelled' } });
    },
    [jobs, work],
  );
  const remove = useCallback((id: string) => dispatch({ type: 'remove', id }), []);
  return { jobs, add, cancel, remove };
}
