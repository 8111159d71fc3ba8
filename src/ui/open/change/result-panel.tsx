/** What the change makes: sizes before and after, what becomes different, and what to know before saving. */
import { formatBytes } from '../../../engine/bytes/units.ts';
import type { PlannedChange } from '../../../worker/change/protocol.ts';
import type { OpenReport } from '../../../worker/open/protocol.ts';
import { WarningIcon } from '../../icons.tsx';
import { formatPercent } from '../../measure.tsx';
import { Reading } from '../../reading.tsx';
import { bitmapsOf } from './places.ts';

/** `27 MiB shorter, 14 %`. */
export function lengthDifference(before: number, after: number): string {
  if (before === after) return 'As long as now';
  const share = Math.abs(after - before) / Math.max(1, before);
  const percent = share < 0.001 ? '' : `, ${formatPercent(share)}\u00a0%`;
  return `${formatBytes(Math.abs(after - before))} ${after < before ? 'shorter' : 'longer'}${percent}`;
}

interface Props {
  readonly report: OpenReport;
  readonly plan: PlannedChange | undefined;
  /** Of an earlier form. */
  readonly old: boolean;
  /** Why there is nothing to show. */
  readonly empty: string;
}

/** Facts that stand in the readings and in the row of the length already. */
const SHOWN_ELSEWHERE: readonly string[] = ['Length of the file'];

export function ResultPanel({ report, plan, old, empty }: Props) {
  const bitmaps = bitmapsOf(report);
  const facts = plan?.facts.filter(({ label }) => !SHOWN_ELSEWHERE.includes(label)) ?? [];
  return (
    <section className={old && plan ? 'panel panel--old' : 'panel'} aria-labelledby="result-title" aria-busy={old}>
      <div className="panel__head">
        <h3 id="result-title">What you get</h3>
        {plan && <p>{plan.unchanged ? 'nothing different' : 'a new file'}</p>}
      </div>
      <dl className="readings">
        <Reading label="This file" bytes={plan?.before.length ?? report.length} />
        <Reading label="New file" bytes={plan?.after.length} />
        <Reading label="Guest sees" bytes={plan ? plan.after.virtualSize : report.virtualSize} />
      </dl>
      {plan ? (
        <dl className="facts facts--change">
          <div>
            <dt>File length</dt>
            <dd>{lengthDifference(plan.before.length, plan.after.length)}</dd>
          </div>
          {plan.after.written < plan.after.length && (
            <div>
              <dt>Written</dt>
              <dd>
                {formatBytes(plan.after.written)}
                <span className="u">the rest is zeros</span>
              </dd>
            </div>
          )}
          {facts.map(({ label, before, after }) => (
            <div key={label}>
              <dt>{label}</dt>
              <dd>
                {after}
                {before !== undefined && before !== after && <span className="u">was {before}</span>}
              </dd>
            </div>
          ))}
          {bitmaps > 0 && !facts.some(({ label }) => label === 'Bitmaps') && (
            <div>
              <dt>Bitmaps</dt>
              <dd>{bitmaps === 1 ? '1, stays' : `${bitmaps}, stay`}</dd>
            </div>
          )}
        </dl>
      ) : (
        <p className="note note--change">{empty}</p>
      )}
      {plan?.warnings.map((warning) => (
        <div key={warning} className="problem">
          <WarningIcon />
          <p>
            <span className="sr">Note: </span>
            {warning}
          </p>
        </div>
      ))}
    </section>
  );
}
