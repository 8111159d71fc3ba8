/** The one button of Convert, with what it will do in words; on small screens the bar at the bottom. */
import { useId } from 'react';
import { formatBytes } from '../../engine/bytes/units.ts';
import { SaveIcon, WarningIcon } from '../icons.tsx';
import type { Expected } from './forecast-panel.tsx';
import type { Trouble } from './plan.ts';

interface Props {
  /** Images that can be converted. */
  readonly count: number;
  /** Of the first. */
  readonly fileName: string;
  /** Others run or wait: these come behind them. */
  readonly queued: boolean;
  /** Not everything is known yet. */
  readonly waiting: boolean;
  readonly troubles: readonly Trouble[];
  readonly refusal: string | undefined;
  readonly expected: readonly Expected[];
  /** Starts, or goes to the first problem. */
  readonly onPress: () => void;
}

/** The key that starts, as this keyboard has it. */
const GO_KEY = /Mac|iP(hone|ad)/.test(globalThis.navigator?.platform ?? '') ? '⌘ ↵' : 'Ctrl ↵';

const problemCount = (count: number): string => `${count} ${count === 1 ? 'problem' : 'problems'}`;

function wordsOf({ count, fileName, waiting, troubles, queued }: Props): string {
  if (troubles.length > 0) return `Settle ${problemCount(troubles.length)} to convert`;
  if (waiting) return 'Reading the source …';
  const what = count === 1 ? fileName : `${count} images`;
  return queued ? `Queue ${what}` : `Convert and save ${what}`;
}

function sumOf(expected: readonly Expected[]): string | undefined {
  const known = expected.flatMap(({ forecast }) => (forecast ? [forecast] : []));
  if (known.length === 0 || known.length < expected.length) return undefined;
  const length = known.reduce((total, one) => total + one.length, 0);
  return `${known.every((one) => one.exact) ? '' : 'At most '}${formatBytes(length)}`;
}

export function GoBar(props: Props) {
  const { troubles, waiting, refusal, count, expected, onPress } = props;
  const note = useId();
  const [first] = troubles;
  const sum = sumOf(expected);

  return (
    <div className="foot">
      <div className="action">
        <button
          className="go"
          type="button"
          aria-describedby={note}
          aria-disabled={waiting && !first}
          aria-keyshortcuts="Control+Enter Meta+Enter"
          onClick={onPress}
        >
          {first ? <WarningIcon /> : <SaveIcon />}
          <span className="go__words">{wordsOf(props)}</span>
          <span className="key" aria-hidden="true">
            {GO_KEY}
          </span>
        </button>
        <p className="action__note" id={note}>
          <span>
            {first?.message ?? refusal ?? (count > 1 ? 'They run one after the other.' : 'The source is not changed.')}
          </span>
        </p>
        <p className="action__sum">
          {first ? (
            <>
              <b>{problemCount(troubles.length)}:</b> {first.message}
            </>
          ) : (
            sum !== undefined && (
              <>
                <b>{sum}</b> {count > 1 ? 'for all new files' : 'for the new file'}
              </>
            )
          )}
        </p>
        <p className="sr" role="status">
          {first
            ? `${problemCount(troubles.length)}: ${troubles.map((one) => one.message).join(' ')}`
            : (refusal ?? '')}
        </p>
      </div>
    </div>
  );
}
