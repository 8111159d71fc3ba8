/** What the builder is doing: phase, how far, how fast, how long. */
import { useEffect, useState } from 'react';
import { formatBytes, measureBytes } from '../../engine/bytes/units.ts';
import { formatSeconds, Measured } from '../measure.tsx';
import type { Job } from './use-job.ts';

/** Whatever is saved under a name. */
type Building = Pick<Extract<Job, { state: 'building' }>, 'progress' | 'rates' | 'startedAt'> & {
  readonly order: { readonly fileName: string };
};

/** Seconds since `startedAt`, ticking. */
function useElapsed(startedAt: number): number {
  const [now, setNow] = useState(() => performance.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(performance.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return Math.max(0, now - startedAt) / 1000;
}

/** `3 s` → value and unit apart, for a reading. */
function Duration({ seconds }: { readonly seconds: number | undefined }) {
  if (seconds === undefined) return <span className="u">–</span>;
  const [value = '', unit = '', ...rest] = formatSeconds(seconds).split(' ');
  return (
    <>
      <Measured value={value} unit={unit} />
      {rest.length > 0 && (
        <>
          {' '}
          <Measured value={rest[0] ?? ''} unit={rest[1] ?? ''} />
        </>
      )}
    </>
  );
}

function RateChart({ rates }: { readonly rates: readonly number[] }) {
  const top = Math.max(...rates, 1) * 1.1;
  const low = Math.min(...rates);
  const step = 100 / Math.max(1, rates.length - 1);
  const points = rates.map((rate, index) => `${(index * step).toFixed(1)},${(44 - (rate / top) * 44).toFixed(1)}`);
  return (
    <div className="chart">
      <p className="scale__row">
        <span>Rate since the start</span>
        <span>0 to {formatBytes(top)}/s</span>
      </p>
      <svg
        viewBox="0 0 100 44"
        preserveAspectRatio="none"
        role="img"
        aria-label={`Between ${formatBytes(low)} and ${formatBytes(Math.max(...rates))} a second`}
      >
        <path className="chart__frame" d="M0 .5H100M0 43.5H100" vectorEffect="non-scaling-stroke" />
        <polyline className="chart__line" points={points.join(' ')} vectorEffect="non-scaling-stroke" />
      </svg>
    </div>
  );
}

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
  const speed = measureBytes(rate);
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
          <dd>{rate > 0 ? <Measured value={speed.value} unit={`${speed.unit}/s`} /> : <span className="u">–</span>}</dd>
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
