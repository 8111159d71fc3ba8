/** The one button, with what it will do in words; on small screens the bar at the bottom. */
import { useId } from 'react';
import type { SinkChoice } from '../../worker/engine-client.ts';
import { CrossIcon, SaveIcon, WarningIcon } from '../icons.tsx';
import type { FormProblem } from './reading.ts';

interface Props {
  /** What is saved, `.gz` included. */
  readonly fileName: string;
  readonly building: boolean;
  readonly problems: readonly FormProblem[];
  readonly choice: SinkChoice | undefined;
  readonly summary: { readonly strong: string; readonly rest: string } | undefined;
  /** Absent where compressing would gain nothing. */
  readonly gzip?: { readonly on: boolean; readonly set: (on: boolean) => void } | undefined;
  readonly onGo: () => void;
  readonly onCancel: () => void;
}

/** The key that builds, as this keyboard has it. */
const BUILD_KEY = /Mac|iP(hone|ad)/.test(globalThis.navigator?.platform ?? '') ? '⌘ ↵' : 'Ctrl ↵';

export const problemCount = (count: number): string => `${count} ${count === 1 ? 'problem' : 'problems'}`;

function Summary({ building, problems, summary }: Pick<Props, 'building' | 'problems' | 'summary'>) {
  const [first] = problems;
  if (building) return null;
  if (first) {
    return (
      <p className="action__sum">
        <b>{problemCount(problems.length)}:</b> {first.message}
      </p>
    );
  }
  return (
    <p className="action__sum">
      {summary && (
        <>
          <b>{summary.strong}</b> {summary.rest}
        </>
      )}
    </p>
  );
}

export function ActionBar(props: Props) {
  const { fileName, building, problems, choice, gzip, onGo, onCancel } = props;
  const note = useId();
  if (building) {
    return (
      <div className="action">
        <button className="go go--stop" type="button" aria-describedby={note} onClick={onCancel}>
          <CrossIcon />
          Cancel
          <span className="key" aria-hidden="true">
            Esc
          </span>
        </button>
        <p className="action__note" id={note}>
          <span>Cancelling leaves no file behind.</span>
          <span>Other tabs stay free to use.</span>
        </p>
      </div>
    );
  }
  const blocked = problems.length > 0;
  return (
    <div className="action">
      {gzip && (
        <label className="action__gzip">
          <input type="checkbox" checked={gzip.on} onChange={(event) => gzip.set(event.target.checked)} />
          <span>
            Save as .gz <small>zeros take almost no space; unpack it before use</small>
          </span>
        </label>
      )}
      <button
        className="go"
        type="button"
        aria-describedby={note}
        aria-keyshortcuts="Control+Enter Meta+Enter"
        onClick={onGo}
      >
        {blocked ? <WarningIcon /> : <SaveIcon />}
        <span className="go__words">
          {blocked ? `Settle ${problemCount(problems.length)} to build` : `Build and save ${fileName}`}
        </span>
        <span className="key" aria-hidden="true">
          {BUILD_KEY}
        </span>
      </button>
      <p className="action__note" id={note}>
        <span>{blocked ? problems[0]?.message : choice?.note}</span>
      </p>
      <Summary {...props} />
      <p className="sr" role="status">
        {blocked ? `${problemCount(problems.length)}: ${problems.map((one) => one.message).join(' ')}` : ''}
      </p>
    </div>
  );
}
