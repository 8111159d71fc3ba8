/** What the builder is doing: phase, how far, how fast, how long. */
import { formatBytes } from '../../engine/bytes/units.ts';
import { Duration, Rate, RateChart, useElapsed } from './progress-parts.tsx';
import type { Job } from './use-job.ts';

/** Whatever is saved under a name. */
type Building = Pick<Extract<Job, { state: 'building' }>, 'progress' | 'rates' | 'startedAt'> & {
  readonly order: { readonly fileName: string };
};

/** Said to a screen reader: the phase when it changes, and every quarter. */
function spoken({ progress, order }: Building): string {
  if (!progress) return `Building ${order.fileName}`;
  const quarter = progress.total > 0 ? Math.floor((4 * progress.done) / progress.total) * 25 : 0;
  return quarter > 0 && quarter < 100 ? `${progress.phase}, ${quarter} percent` : progress.phase;
}

export function BuildingPanel({ job }: { readonly job: Building }) {
  const { progress, rates, order } = job;
  const elapsed = useElapsed(job.startedAt);
  const { done = 0, total = 0, rate = 0, eta } = progress ?? {};
  const share = total > 0 ? Math.min(1, done / total) : 0;
  return (
    <section className="panel" aria-labelledby="job-title">
      <div className="job">
        <div className="job__top">
          <h2 id="job-title" tabIndex={-1}>
            {progress?.phase ?? 'Planning the layout'}
          </h2>
          <b>
            {Math.floor(share * 100)} <span className="u">%</span>
          </b>
        </div>
        <progress value={share} max={1} aria-labelledby="job-title" />
        <p className="job__sub">
          <span>
            {formatBytes(done)} of {formatBytes(total)}
          </span>
          <span>{progress?.fileName ?? order.fileName}</span>
        </p>
        <p className="sr" role="status">
          {spoken(job)}
        </p>
      </div>
      <dl className="readings readings--job">
        <div>
          <dt>Left</dt>
          <dd>
            <Duration seconds={eta} />
          </dd>
        </div>
        <div>
          <dt>Rate</dt>
          <dd>
            <Rate rate={rate} />
          </dd>
        </div>
        <div>
          <dt>Elapsed</dt>
          <dd>
            <Duration seconds={elapsed} />
          </dd>
        </div>
      </dl>
      {rates.length > 1 && <RateChart rates={rates} />}
    </section>
  );
}
