/** The check: asked for by a click, with progress and cancel, its findings in words. */
import { useEffect, useRef, useState } from 'react';
import { formatBytes, groupDigits } from '../../engine/bytes/units.ts';
import type { SaveProgress } from '../../worker/engine-client.ts';
import type { CheckReport } from '../../worker/open/protocol.ts';
import { BannedIcon, CheckIcon, RefusedIcon, WarningIcon } from '../icons.tsx';
import { formatMilliseconds, formatPercent } from '../measure.tsx';
import { many } from './offsets.ts';
import type { Spot } from './open-page.tsx';
import { isCancelled, type OpenImageHandle, wordsOf } from './use-image.ts';

type State =
  | { readonly state: 'idle' | 'cancelled' }
  | { readonly state: 'checking'; readonly progress: SaveProgress | undefined }
  | { readonly state: 'failed'; readonly why: string }
  | { readonly state: 'done'; readonly report: CheckReport; readonly milliseconds: number };

/** Findings shown at first. */
const SHOWN = 8;

function Verdict({ report, clusterSize }: { readonly report: CheckReport; readonly clusterSize: number | undefined }) {
  const { corruptions, leaks, failures, allocatedClusters: allocated, totalClusters: total } = report;
  const shares =
    allocated > 0
      ? ` ${formatPercent(report.fragmentedClusters / allocated)} % fragmented, ${formatPercent(report.compressedClusters / allocated)} % compressed.`
      : '';
  const use = `${groupDigits(allocated)} of ${groupDigits(total)} clusters of the disk are in use.${shares}`;
  if (corruptions > 0 || failures > 0) {
    return (
      <>
        <p className="verdict verdict--bad">
          <RefusedIcon />
          {corruptions > 0 ? many(corruptions, 'error') : `${many(failures, 'place')} not checked`}
          {leaks > 0 && `, ${many(leaks, 'leaked cluster')}`}
        </p>
        <p>
          Data may be damaged, and writing to the image may damage more. Copy what you need before anything else. {use}
        </p>
      </>
    );
  }
  if (leaks > 0) {
    const waste = clusterSize === undefined ? 'Space' : formatBytes(leaks * clusterSize);
    return (
      <>
        <p className="verdict verdict--warn">
          <WarningIcon />
          {many(leaks, 'leaked cluster')}
        </p>
        <p>
          {waste} wasted, no harm to data. 0 errors. {use}
        </p>
      </>
    );
  }
  return (
    <>
      <p className="verdict">
        <CheckIcon />
        Nothing is wrong
      </p>
      <p>Every cluster in use is counted, every count is used. {use}</p>
    </>
  );
}

function Findings({
  report,
  clusterSize,
  onShow,
}: { readonly report: CheckReport } & Pick<Props, 'clusterSize' | 'onShow'>) {
  const [all, setAll] = useState(false);
  const { findings, moreFindings } = report;
  if (findings.length === 0) return null;
  const shown = all ? findings : findings.slice(0, SHOWN);
  return (
    <>
      <ul className="findings">
        {shown.map(({ severity, text, counts }, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a finished list.
          <li key={index} className={severity === 'leak' ? 'findings__leak' : 'findings__bad'}>
            {severity === 'leak' ? <WarningIcon /> : <RefusedIcon />}
            <span>
              <b>{severity === 'leak' ? 'Harmless: ' : 'Harmful: '}</b>
              {text}
            </span>
            {counts && clusterSize !== undefined && (
              <button
                className="btn btn--sm"
                type="button"
                aria-label={`Show cluster ${counts.cluster}`}
                onClick={() => onShow({ space: 'file', at: counts.cluster * clusterSize })}
              >
                Show
              </button>
            )}
          </li>
        ))}
      </ul>
      {!all && findings.length > SHOWN && (
        <button className="btn btn--sm btn--quiet" type="button" onClick={() => setAll(true)}>
          Show all {groupDigits(findings.length)}
        </button>
      )}
      {moreFindings > 0 && (all || findings.length <= SHOWN) && (
        <p>{many(moreFindings, 'more like these', 'more like these')}.</p>
      )}
    </>
  );
}

interface Props {
  readonly image: OpenImageHandle;
  readonly clusterSize: number | undefined;
  readonly onShow: (spot: Spot) => void;
  /** Leads to the repair; absent until it is known whether there is one. */
  readonly onRepair?: ((broken: boolean) => void) | undefined;
  /** Why it cannot be repaired. */
  readonly noRepair: string | undefined;
}

/** Something was found that a repair may set right. */
const isWrong = ({ corruptions, leaks, failures }: CheckReport): boolean => corruptions + leaks + failures > 0;

export function CheckPanel({ image, clusterSize, onShow, onRepair, noRepair }: Props) {
  const [state, setState] = useState<State>({ state: 'idle' });
  const abort = useRef<AbortController>(undefined);
  useEffect(() => () => abort.current?.abort(), []);

  function start() {
    const controller = new AbortController();
    abort.current = controller;
    const began = performance.now();
    setState({ state: 'checking', progress: undefined });
    const onProgress = (progress: SaveProgress) => {
      if (!controller.signal.aborted) setState({ state: 'checking', progress });
    };
    image.ask({ kind: 'check' }, { onProgress, signal: controller.signal }).then(
      (report) => setState({ state: 'done', report, milliseconds: performance.now() - began }),
      (error: unknown) =>
        setState(isCancelled(error) ? { state: 'cancelled' } : { state: 'failed', why: wordsOf(error) }),
    );
  }

  const progress = state.state === 'checking' ? state.progress : undefined;
  return (
    <section className="panel" aria-labelledby="check-title">
      <div className="panel__head">
        <h2 id="check-title">Check</h2>
        {state.state === 'done' && <p>in {formatMilliseconds(state.milliseconds)}</p>}
        {state.state === 'done' && (
          <button className="btn btn--sm btn--quiet" type="button" onClick={start}>
            Check again
          </button>
        )}
      </div>
      <div className="check">
        <div role="status">
          {state.state === 'cancelled' && <p>Cancelled: nothing is known yet.</p>}
          {state.state === 'done' && <Verdict report={state.report} clusterSize={clusterSize} />}
          {state.state === 'failed' && (
            <p className="verdict verdict--bad">
              <RefusedIcon />
              It cannot be checked
            </p>
          )}
        </div>
        {state.state === 'failed' && <p>{state.why}</p>}
        {state.state === 'done' && isWrong(state.report) && onRepair && (
          <button
            className="btn btn--accent"
            type="button"
            disabled={noRepair !== undefined}
            aria-describedby={noRepair === undefined ? undefined : 'no-repair'}
            onClick={() => onRepair(state.report.corruptions + state.report.failures > 0)}
          >
            Repair into a new file
          </button>
        )}
        {state.state === 'done' && isWrong(state.report) && noRepair !== undefined && (
          <p className="why" id="no-repair">
            <BannedIcon />
            <span>{noRepair}</span>
          </p>
        )}
        {state.state === 'done' && <Findings report={state.report} clusterSize={clusterSize} onShow={onShow} />}
        {state.state === 'checking' && (
          <>
            <progress value={progress?.done ?? 0} max={Math.max(1, progress?.total ?? 1)} aria-label="Checking" />
            <button className="btn" type="button" onClick={() => abort.current?.abort()}>
              Cancel
            </button>
          </>
        )}
        {(state.state === 'idle' || state.state === 'cancelled') && (
          <>
            <p>Reads every table and compares what is used with what is counted. Changes nothing.</p>
            <button className="btn btn--accent" type="button" onClick={start}>
              Check the image
            </button>
          </>
        )}
      </div>
    </section>
  );
}
