/** Several conversions as one: how many are done, how far the whole is, and the way to stop all. */
import { formatBytes } from '../../engine/bytes/units.ts';
import type { ConversionJob } from './use-conversions.ts';

interface Totals {
  readonly done: number;
  readonly total: number;
}

/** Bytes to look at, of each job: known before it starts. */
function bytesOf({ task, now }: ConversionJob): Totals {
  const total = task.forecast.dataBytes;
  if (now.state === 'finished') return { done: total, total };
  if (now.state === 'failed' || now.state === 'cancelled') return { done: 0, total: 0 };
  if (now.state !== 'running' || !now.progress || now.progress.total === 0) return { done: 0, total };
  return { done: total * Math.min(1, now.progress.done / now.progress.total), total };
}

function wordsOf(jobs: readonly ConversionJob[]): string {
  const count = (state: ConversionJob['now']['state']): number => jobs.filter(({ now }) => now.state === state).length;
  const parts = [
    [count('finished'), 'saved'],
    [count('running'), 'running'],
    [count('waiting'), 'waiting'],
    [count('failed'), 'failed'],
    [count('cancelled'), 'cancelled'],
  ] as const;
  return parts.flatMap(([number, word]) => (number > 0 ? [`${number} ${word}`] : [])).join(', ');
}

interface Props {
  readonly jobs: readonly ConversionJob[];
  readonly onCancelAll: () => void;
}

export function QueuePanel({ jobs, onCancelAll }: Props) {
  const sums = jobs.map(bytesOf);
  const done = sums.reduce((sum, one) => sum + one.done, 0);
  const total = sums.reduce((sum, one) => sum + one.total, 0);
  const active = jobs.some(({ now }) => now.state === 'running' || now.state === 'waiting');
  const share = total > 0 ? done / total : active ? 0 : 1;
  return (
    <section className="panel" aria-labelledby="convert-queue">
      <div className="job">
        <div className="job__top">
          <h2 id="convert-queue">{active ? `${jobs.length} conversions` : 'All conversions are done'}</h2>
          <b>
            {Math.floor(share * 100)} <span className="u">%</span>
          </b>
        </div>
        <progress value={share} max={1} aria-labelledby="convert-queue" />
        <p className="job__sub">
          <span role="status">{wordsOf(jobs)}</span>
          <span>
            {formatBytes(done)} of {formatBytes(total)}
          </span>
        </p>
        {active && (
          <button className="btn queue__stop" type="button" onClick={onCancelAll}>
            Cancel all
          </button>
        )}
      </div>
    </section>
  );
}
