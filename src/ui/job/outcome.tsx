/** A build that did not end in a file: what happened, why, and what to do. */
import type { ErrorKind } from '../../engine/errors.ts';
import { InfoIcon, WarningIcon } from '../icons.tsx';
import type { Job } from './use-job.ts';

/** For errors that bring no advice of their own. */
const ADVICE: Partial<Record<ErrorKind, string>> = {
  'no-space': 'Free some space, or choose preallocation off: an empty disk is only its tables.',
  'invalid-option': 'Change the option that it names and build again.',
  'out-of-range': 'Choose a smaller disk or larger clusters.',
  unsupported: 'Choose other options, or another browser.',
  locked: 'Close the program that has the file open, or save under another name.',
  io: 'Try again, or save under another name.',
};

interface Props {
  readonly job: Extract<Job, { state: 'failed' | 'cancelled' }>;
  readonly onDismiss: () => void;
}

export function Outcome({ job, onDismiss }: Props) {
  const { fileName } = job.order;
  const dismiss = (
    <div className="problem__fixes">
      <button className="btn btn--sm" type="button" onClick={onDismiss}>
        Dismiss
      </button>
    </div>
  );
  if (job.state === 'cancelled') {
    return (
      <div className="problem problem--plain" role="status">
        <InfoIcon />
        <div className="problem__body">
          <p>
            <b>Cancelled.</b> No file was left behind.
          </p>
          {dismiss}
        </div>
      </div>
    );
  }
  const { message, fix, kind } = job.error;
  const advice = fix ?? ADVICE[kind];
  return (
    <div className="problem problem--bad" role="alert">
      <WarningIcon />
      <div className="problem__body">
        <p>
          <b>{fileName} was not built.</b> {message} {advice}
        </p>
        {dismiss}
      </div>
    </div>
  );
}
