/** A problem or a note with its fixes: the rule in bold first, then why, one button for each way out. */
import type { MouseEvent } from 'react';
import { focusSpot } from './create/focus-spot.ts';
import type { FormProblem } from './create/reading.ts';
import type { FormAction } from './create/state.ts';
import { WarningIcon } from './icons.tsx';

interface Props {
  readonly problem: FormProblem;
  readonly id?: string;
  /** Nothing is stopped by it. */
  readonly mild?: boolean;
  readonly onFix: (action: FormAction) => void;
}

export function ProblemStrip({ problem, id, mild = false, onFix }: Props) {
  function fix({ detail }: MouseEvent, action: FormAction) {
    onFix(action);
    // The button goes with its problem. Pressed by a key (no clicks counted), it leaves the focus on the field.
    if (detail === 0) focusSpot(problem.spot);
  }

  return (
    <div className={mild ? 'problem' : 'problem problem--bad'}>
      <WarningIcon />
      <div className="problem__body">
        <p id={id}>
          <span className="sr">{mild ? 'Note: ' : 'Problem: '}</span>
          <b>{problem.message}</b> {problem.why}
        </p>
        {problem.fixes.length > 0 && (
          <div className="problem__fixes">
            {problem.fixes.map(({ label, action }) => (
              <button key={label} className="btn btn--sm" type="button" onClick={(event) => fix(event, action)}>
                {label}
              </button>
            ))}
          </div>
        )}
      </div>
    </div>
  );
}
