/** The change is being worked out, and it takes its time. */
import { formatBytes } from '../../../engine/bytes/units.ts';
import type { SaveProgress } from '../../../worker/engine-client.ts';
import { formatSeconds } from '../../measure.tsx';

export function PlanningPanel({ progress }: { readonly progress: SaveProgress | undefined }) {
  const { phase = 'Working it out', done = 0, total = 0, rate = 0, eta } = progress ?? {};
  return (
    <section className="panel" aria-labelledby="planning-title">
      <div className="job">
        <div className="job__top">
          <h3 id="planning-title">{phase}</h3>
          {total > 0 && (
            <b>
              {Math.floor((100 * Math.min(done, total)) / total)} <span className="u">%</span>
            </b>
          )}
        </div>
        <progress value={done} max={Math.max(1, total)} aria-labelledby="planning-title" />
        <p className="job__sub">
          <span>{total > 0 ? `${formatBytes(done)} of ${formatBytes(total)}` : 'Reading the tables'}</span>
          <span>
            {rate > 0 && `${formatBytes(rate)}/s`}
            {eta !== undefined && `, ${formatSeconds(eta)} left`}
          </span>
        </p>
        <p className="sr" role="status">
          {phase}
        </p>
      </div>
    </section>
  );
}
