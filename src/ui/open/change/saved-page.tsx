/** The change is saved: what the file is, the verdict of its check, and what to do with it. */
import { useEffect, useRef } from 'react';
import { formatBytes } from '../../../engine/bytes/units.ts';
import type { ChangeOrder, ChangeReport, PlannedChange } from '../../../worker/change/protocol.ts';
import { CopyButton } from '../../copy-button.tsx';
import { CheckIcon, FileIcon } from '../../icons.tsx';
import { CheckRow } from '../../job/check-row.tsx';
import { exactBytes, formatMilliseconds } from '../../measure.tsx';
import { Chooser } from '../chooser.tsx';
import { nextSteps } from './next-steps.ts';
import { lengthDifference } from './result-panel.tsx';

interface Props {
  readonly original: string;
  readonly order: ChangeOrder;
  readonly plan: PlannedChange | undefined;
  readonly report: ChangeReport;
  /** Looks into the saved file. */
  readonly onFiles: (files: readonly File[]) => void;
  readonly onMore: () => void;
  readonly onBack: () => void;
}

function Proof({ plan, report }: Pick<Props, 'plan' | 'report'>) {
  const { length, written, check } = report;
  const guest = plan?.after.virtualSize;
  return (
    <dl className="proof">
      <div>
        <dt>File</dt>
        <dd>
          {formatBytes(length)} in the file{guest === undefined ? '' : `, a ${formatBytes(guest)} disk for the guest`}
          <small>
            {exactBytes(length)}.{plan && ` ${lengthDifference(plan.before.length, length)}.`}
            {written < length && ` ${formatBytes(written)} of it written, the rest is zeros.`}
          </small>
        </dd>
      </div>
      {plan?.facts.map(({ label, before, after }) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd>
            {after}
            {before !== undefined && before !== after && <small>Was {before}.</small>}
          </dd>
        </div>
      ))}
      {check && <CheckRow check={check} />}
    </dl>
  );
}

export function SavedPage({ original, order, plan, report, onFiles, onMore, onBack }: Props) {
  const title = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    title.current?.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }, []);
  const { name, sink, milliseconds, file } = report;
  const where = sink === 'picked' ? 'In the place you chose.' : "In your browser's downloads.";
  const steps = nextSteps(order.change, { original, saved: name }, plan?.before.virtualSize);
  return (
    <div className="done">
      <div className="done__head">
        <span>
          <CheckIcon />
        </span>
        <div>
          <h2 ref={title} tabIndex={-1}>
            {name} is saved
          </h2>
          <p>
            {where} Saved in {formatMilliseconds(milliseconds)}; {original} is as it was.
          </p>
        </div>
      </div>
      <Proof plan={plan} report={report} />
      <section className="use" aria-labelledby="next-title">
        <h3 id="next-title">What next</h3>
        <ol className="steps">
          {steps.map(({ text, command }) => (
            <li key={text}>
              <p>{text}</p>
              {command !== undefined && (
                <div className="shell">
                  <pre>{command}</pre>
                  <CopyButton text={command} what="command" bare />
                </div>
              )}
            </li>
          ))}
        </ol>
      </section>
      <div className="next">
        {file ? (
          <button className="btn btn--accent" type="button" onClick={() => onFiles([file])}>
            <FileIcon />
            Open the result
          </button>
        ) : (
          <Chooser
            label={
              <>
                <FileIcon />
                Choose the saved file to open it
              </>
            }
            name="The saved file"
            onFiles={onFiles}
          />
        )}
        <button className="btn" type="button" onClick={onMore}>
          Change more
        </button>
        <button className="btn" type="button" onClick={onBack}>
          Back to {original}
        </button>
      </div>
    </div>
  );
}
