/** Saves the whole disk or any stretch of it, or of the file, as a file of its own. */
import { useId, useState } from 'react';
import { formatBytes } from '../../engine/bytes/units.ts';
import { savedName } from '../../platform/browser/deliver/saved-name.ts';
import type { EngineClient, SinkChoice } from '../../worker/engine-client.ts';
import type { OpenReport, Space } from '../../worker/open/protocol.ts';
import { CheckIcon, SaveIcon, WarningIcon } from '../icons.tsx';
import { exactBytes, formatMilliseconds, formatSeconds } from '../measure.tsx';
import { readOffset } from './offsets.ts';
import type { ExtractionControl } from './use-extraction.ts';

/** `web.qcow2` → `web`. */
export const stemOf = (name: string): string => name.replace(/\.[^.]+$/, '') || name;

/** How the file gets to its place; what is skipped as zeros is known only afterwards. */
function wayOf({ sink, note }: SinkChoice): string {
  if (sink === 'picked') return 'You choose where it goes; runs of zeros stay holes where the file system has them.';
  if (sink === 'stream') return 'Streamed as a download. This page must stay open until it ends.';
  return note;
}

function Progress({ extraction: { state, cancel } }: { readonly extraction: ExtractionControl }) {
  if (state.state === 'saving') {
    const { progress, fileName } = state;
    const eta = progress?.eta === undefined ? '' : `, ${formatSeconds(progress.eta)} left`;
    return (
      <div className="extract__state">
        <p role="status">
          {progress?.phase ?? 'Preparing'} {fileName}
        </p>
        <progress
          value={progress?.done ?? 0}
          max={Math.max(1, progress?.total ?? 1)}
          aria-label={`Saving ${fileName}`}
        />
        <p className="job__sub">
          <span>
            {formatBytes(progress?.done ?? 0)} of {formatBytes(progress?.total ?? 0)}
            {eta}
          </span>
        </p>
        <button className="btn" type="button" onClick={cancel}>
          Cancel
        </button>
      </div>
    );
  }
  return (
    <div className="extract__state" role="status">
      {state.state === 'saved' && (
        <p className="verdict">
          <CheckIcon />
          {state.saved.name} is saved: {exactBytes(state.saved.length)} in{' '}
          {formatMilliseconds(state.saved.milliseconds)}.
        </p>
      )}
      {state.state === 'cancelled' && <p>Cancelled: no file is left behind.</p>}
      {state.state === 'failed' && (
        <p className="verdict verdict--bad">
          <WarningIcon />
          {state.why}
        </p>
      )}
    </div>
  );
}

interface Props {
  readonly client: EngineClient;
  readonly report: OpenReport;
  /** The disk can be read through its whole chain. */
  readonly readable: boolean;
  readonly extraction: ExtractionControl;
}

export function ExtractPanel({ client, report, readable, extraction }: Props) {
  const [space, setSpace] = useState<Space>(readable ? 'guest' : 'file');
  const [from, setFrom] = useState('0');
  const [count, setCount] = useState('');
  const id = useId();
  const size = (space === 'guest' ? report.virtualSize : report.length) ?? 0;
  const at = readOffset(from);
  const length = count.trim() === '' ? size - (at ?? 0) : readOffset(count);
  const wrong =
    at === undefined
      ? 'Where it begins cannot be read: 0, 1M, 0x7e00.'
      : length === undefined
        ? 'The length cannot be read: 512, 64K, 10 GiB.'
        : size === 0
          ? 'It is empty: there is nothing to save.'
          : at + length > size || length <= 0
            ? `It ends outside: there are ${formatBytes(size)}.`
            : undefined;
  const stem = stemOf(report.name);
  const saving = extraction.state.state === 'saving';
  const whole = report.virtualSize ?? 0;
  const fileName = savedName(
    at === 0 && length === size && space === 'guest'
      ? `${stem}.raw`
      : `${stem}-${space === 'guest' ? 'disk' : 'file'}-${from.trim()}.bin`,
  );
  const note =
    wrong === undefined ? client.chooseSink({ length: length ?? 0, written: length ?? 0, gzip: false }) : undefined;

  return (
    <section className="panel" aria-labelledby="extract-title">
      <div className="panel__head">
        <h2 id="extract-title">Save a part as a file</h2>
        <p>the open file stays as it is</p>
      </div>
      <div className="extract">
        {readable && whole > 0 && report.format !== 'raw' && (
          <div className="extract__whole">
            <span>
              <b>The whole disk</b>
              <small>
                As {stem}.raw, {formatBytes(whole)} long.
              </small>
            </span>
            <button
              className="btn"
              type="button"
              aria-label={`Save ${stem}.raw`}
              disabled={saving}
              onClick={() =>
                extraction.start({ space: 'guest', at: 0, length: whole, fileName: savedName(`${stem}.raw`) })
              }
            >
              <SaveIcon />
              <span>
                Save<span className="wide"> {stem}.raw</span>
              </span>
            </button>
          </div>
        )}
        <form
          className="extract__range"
          onSubmit={(event) => {
            event.preventDefault();
            if (wrong !== undefined || at === undefined || length === undefined) return;
            extraction.start({ space, at, length, fileName });
          }}
        >
          <div className="seg seg--small" role="radiogroup" aria-label="Bytes of">
            <label>
              <input
                type="radio"
                name={`${id}-space`}
                checked={space === 'guest'}
                disabled={!readable}
                onChange={() => setSpace('guest')}
              />
              Disk
            </label>
            <label>
              <input type="radio" name={`${id}-space`} checked={space === 'file'} onChange={() => setSpace('file')} />
              File
            </label>
          </div>
          <label htmlFor={`${id}-from`}>from</label>
          <input
            id={`${id}-from`}
            className="input input--mono"
            value={from}
            spellCheck={false}
            aria-invalid={at === undefined}
            aria-describedby={`${id}-note`}
            onChange={(event) => setFrom(event.target.value)}
          />
          <label htmlFor={`${id}-count`}>length</label>
          <input
            id={`${id}-count`}
            className="input input--mono"
            value={count}
            placeholder="to the end"
            spellCheck={false}
            aria-invalid={length === undefined}
            aria-describedby={`${id}-note`}
            onChange={(event) => setCount(event.target.value)}
          />
          <button className="btn" type="submit" disabled={saving || wrong !== undefined}>
            <SaveIcon />
            Save
          </button>
          <p className="help" id={`${id}-note`}>
            {wrong ?? `${exactBytes(length ?? 0)} as ${fileName}. ${note ? wayOf(note) : ''}`}
          </p>
        </form>
        <Progress extraction={extraction} />
      </div>
    </section>
  );
}
