/** One conversion: waiting, running, saved, failed or cancelled. */
import { type KeyboardEvent, type ReactNode, useId } from 'react';
import { formatBytes } from '../../engine/bytes/units.ts';
import type { ErrorKind } from '../../engine/errors.ts';
import type { ConvertProgress } from '../../worker/convert/protocol.ts';
import { CheckIcon, CrossIcon, InfoIcon, WarningIcon } from '../icons.tsx';
import { Duration, Rate, RateChart, useElapsed } from '../job/progress-parts.tsx';
import type { Running } from '../job/use-queue.ts';
import { formatPercent } from '../measure.tsx';
import { Saved, whereOf } from './saved.tsx';
import type { ConversionJob } from './use-conversions.ts';

/** For errors that bring no advice of their own. */
const ADVICE: Partial<Record<ErrorKind, string>> = {
  'no-space': 'Free some space, or save another way.',
  'invalid-option': 'Change the option that it names.',
  corrupt: 'Check the source in Open: it may be repaired there into a new file.',
  locked: 'Close the program that has the file open, or save under another name.',
  io: 'Choose the source again, or save under another name.',
};

interface Props {
  readonly job: ConversionJob;
  /** Conversions before it, for one that waits. */
  readonly ahead: number;
  /** The only one: all is shown. */
  readonly alone: boolean;
  readonly onCancel: () => void;
  readonly onRemove: () => void;
  /** Back to the list, to be converted again. */
  readonly onAgain: () => void;
  readonly onLook: (files: readonly File[]) => void;
}

/** Said to a screen reader: the phase when it changes, and every quarter. */
function spoken(name: string, progress: ConvertProgress | undefined): string {
  if (!progress) return `Converting ${name}`;
  const quarter = progress.total > 0 ? Math.floor((4 * progress.done) / progress.total) * 25 : 0;
  return quarter > 0 && quarter < 100 ? `${progress.phase}, ${quarter} percent` : `${progress.phase}, ${name}`;
}

function RunningBody({ now, name, title }: { now: Running<ConvertProgress>; name: string; title: string }) {
  const { progress, rates, startedAt, stopping } = now;
  const elapsed = useElapsed(startedAt);
  const { done = 0, total = 0, rate = 0, eta, written = 0, packed } = progress ?? {};
  const share = total > 0 ? Math.min(1, done / total) : 0;
  return (
    <>
      <div className="job">
        <div className="job__top">
          <p className="job__phase">{stopping ? 'Stopping' : (progress?.phase ?? 'Starting')}</p>
          <b>
            {Math.floor(share * 100)} <span className="u">%</span>
          </b>
        </div>
        <progress value={share} max={1} aria-labelledby={title} />
        <p className="job__sub">
          <span>
            {formatBytes(done)} of {formatBytes(total)} read
          </span>
          <span>{formatBytes(written)} in the new file</span>
        </p>
        <p className="sr" role="status">
          {spoken(name, progress)}
        </p>
      </div>
      <dl className="readings readings--job readings--four">
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
        <div>
          <dt>Shrinks to</dt>
          <dd>
            {packed && packed.from > 0 ? (
              <>
                {formatPercent(packed.to / packed.from)} <span className="u">%</span>
              </>
            ) : (
              <span className="u">–</span>
            )}
          </dd>
        </div>
      </dl>
      {rates.length > 1 && <RateChart rates={rates} />}
    </>
  );
}

interface Sign {
  readonly icon: ReactNode;
  readonly className: string;
  readonly words: string;
}

function signOf({ now }: ConversionJob, ahead: number): Sign {
  switch (now.state) {
    case 'waiting':
      return {
        icon: ahead,
        className: 'task',
        words: ahead === 1 ? 'Waits for the one before it.' : `Waits for ${ahead} before it.`,
      };
    case 'running':
      return { icon: undefined, className: 'task', words: '' };
    case 'finished':
      return { icon: <CheckIcon />, className: 'task task--ok', words: '' };
    case 'failed':
      return { icon: <WarningIcon />, className: 'task task--bad', words: 'Not converted.' };
    case 'cancelled':
      return { icon: <InfoIcon />, className: 'task', words: 'Cancelled: no file was left behind.' };
  }
}

export function JobCard({ job, ahead, alone, onCancel, onRemove, onAgain, onLook }: Props) {
  const { task, now } = job;
  const { fileName } = task.prepared.order;
  const title = useId();
  const { icon, className, words } = signOf(job, ahead);
  const active = now.state === 'running' || now.state === 'waiting';

  function press(event: KeyboardEvent) {
    if (event.key !== 'Escape' || !active) return;
    event.preventDefault();
    event.stopPropagation();
    onCancel();
  }

  return (
    <li className={className} data-job={job.id} data-state={now.state} aria-labelledby={title} onKeyDown={press}>
      <div className="task__head">
        {icon && (
          <span className="task__sign" aria-hidden="true">
            {icon}
          </span>
        )}
        <div>
          <h3 id={title} tabIndex={-1}>
            {fileName}
            {now.state === 'finished' && <span className="task__verb"> is saved</span>}
          </h3>
          <p role={now.state === 'running' ? undefined : 'status'}>
            From {task.source}
            {now.state === 'finished' ? whereOf(now.report) : `. ${words}`}
          </p>
        </div>
        {active ? (
          <button className="btn" type="button" aria-keyshortcuts="Escape" onClick={onCancel}>
            <CrossIcon />
            Cancel
            <span className="sr"> {fileName}</span>
            {now.state === 'running' && (
              <span className="task__key" aria-hidden="true">
                Esc
              </span>
            )}
          </button>
        ) : (
          <div className="task__ways">
            {now.state !== 'finished' && (
              <button className="btn" type="button" onClick={onAgain}>
                Try again<span className="sr"> {fileName}</span>
              </button>
            )}
            <button
              className="btn btn--sm btn--quiet btn--bare"
              type="button"
              aria-label={`Dismiss ${fileName}`}
              title="Dismiss"
              onClick={onRemove}
            >
              <CrossIcon />
            </button>
          </div>
        )}
      </div>
      {now.state === 'running' && <RunningBody now={now} name={fileName} title={title} />}
      {now.state === 'finished' && (
        <Saved task={task} report={now.report} open={alone} onAgain={onAgain} onLook={onLook} />
      )}
      {now.state === 'failed' && (
        <div className="task__body">
          <div className="problem problem--bad" role="alert">
            <WarningIcon />
            <div className="problem__body">
              <p>
                <b>{fileName} was not made.</b> {now.error.message} {now.error.fix ?? ADVICE[now.error.kind]} No half
                file is left behind.
              </p>
            </div>
          </div>
        </div>
      )}
    </li>
  );
}
