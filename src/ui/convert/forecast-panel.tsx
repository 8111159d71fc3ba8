/** What the conversion gives and what it costs, before it starts: sizes, the way of saving, warnings. */
import { useId } from 'react';
import { formatBytes } from '../../engine/bytes/units.ts';
import type { ConvertForecast, Passes, Way } from '../../worker/convert/protocol.ts';
import type { Sink } from '../../worker/engine-client.ts';
import { WarningIcon } from '../icons.tsx';
import { Bytes, exactBytes } from '../measure.tsx';
import type { Forecasted } from './use-forecasts.ts';

export interface Expected extends Forecasted {
  readonly id: string;
  readonly name: string;
  /** Length of the files that are read. */
  readonly from: number;
}

const SINKS: Readonly<Record<Sink, string>> = {
  blob: 'As a download',
  picked: 'To a place you choose',
  stream: 'As a download, while it is made',
  opfs: 'As a download, built here first',
};

const PASSES: Readonly<Record<Passes, string>> = {
  one: 'one pass',
  two: 'two passes',
  staged: 'staged',
  'packed-twice': 'compressed twice',
};

/** Those of the longest file: a short one may have one more. */
function waysOf(forecasts: readonly ConvertForecast[]): readonly Way[] {
  const longest = forecasts.toSorted((a, b) => b.length - a.length)[0];
  return longest?.ways ?? [];
}

interface WaysProps {
  readonly ways: readonly Way[];
  readonly sink: Sink | undefined;
  readonly onSink: (sink: Sink | undefined) => void;
}

function Ways({ ways, sink, onSink }: WaysProps) {
  const id = useId();
  const chosen = ways.find((way) => way.sink === sink) ?? ways[0];
  if (!chosen) return null;
  return (
    <fieldset className="ways">
      <legend>Saved</legend>
      {ways.map((way) => (
        <label key={way.sink} className="sink-way">
          <input
            type="radio"
            name={`${id}-way`}
            checked={way === chosen}
            aria-describedby={`${id}-note`}
            onChange={() => onSink(way === ways[0] ? undefined : way.sink)}
          />
          <span>{SINKS[way.sink]}</span>
          <small className="sink-way__price">{PASSES[way.passes]}</small>
        </label>
      ))}
      <p className="help" id={`${id}-note`}>
        {chosen.note}
      </p>
    </fieldset>
  );
}

interface Sums {
  readonly from: number;
  readonly length: number;
  readonly largest: number;
  readonly exact: boolean;
}

function sumOf(expected: readonly Expected[], forecasts: readonly ConvertForecast[]): Sums {
  const sum = (of: (one: ConvertForecast) => number): number => forecasts.reduce((total, one) => total + of(one), 0);
  return {
    from: expected.reduce((total, one) => total + one.from, 0),
    length: sum((one) => one.length),
    largest: sum((one) => one.largest),
    exact: forecasts.every((one) => one.exact),
  };
}

function Reading({ label, bytes, most = false }: { label: string; bytes: number | undefined; most?: boolean }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd>{bytes === undefined ? <span className="u">–</span> : <Bytes bytes={bytes} />}</dd>
      <dd className="readings__exact">
        {bytes === undefined ? 'not known yet' : most ? 'at most' : exactBytes(bytes)}
      </dd>
    </div>
  );
}

interface Props {
  readonly expected: readonly Expected[];
  readonly compress: boolean;
  readonly sink: Sink | undefined;
  readonly onSink: (sink: Sink | undefined) => void;
}

/** How much of it is read at all. */
function dataWords(data: number, disks: number, several: boolean): string {
  const what = several ? 'disks' : 'disk';
  if (data >= disks) return `All ${formatBytes(disks)} of the ${what} are looked at.`;
  return `${formatBytes(data)} of the ${what} are looked at, the rest is known to be zeros.`;
}

/** Why the length is the most it can be, or exact. */
function lengthWords({ exact }: Sums, compress: boolean): string {
  if (compress) return 'Before compression: how far the data shrinks is known only once it is done.';
  if (exact) return 'Known to the byte.';
  return 'Stretches of the source that turn out to be zeros are left out and make it shorter.';
}

export function ForecastPanel({ expected, compress, sink, onSink }: Props) {
  const forecasts = expected.flatMap(({ forecast }) => (forecast ? [forecast] : []));
  const complete = forecasts.length === expected.length && expected.length > 0;
  const sums = sumOf(expected, forecasts);
  const reading = expected.find(({ progress, forecast, error }) => progress && !forecast && !error);
  const warnings = [...new Set(forecasts.flatMap((one) => one.warnings))];
  const data = forecasts.reduce((total, one) => total + one.dataBytes, 0);
  const disks = forecasts.reduce((total, one) => total + one.virtualSize, 0);
  return (
    <section className="panel" aria-labelledby="convert-get">
      <div className="panel__head">
        <h2 id="convert-get">What you get</h2>
        <p>{expected.length > 1 ? `${expected.length} images together` : 'before anything is written'}</p>
      </div>
      <dl className="readings">
        <Reading label="Read" bytes={expected.length > 0 ? sums.from : undefined} />
        <Reading label="New file" bytes={complete ? sums.length : undefined} most={!sums.exact} />
        <Reading label="Once full" bytes={complete ? sums.largest : undefined} />
      </dl>
      <div className="outlook" hidden={expected.length === 0}>
        {reading?.progress && (
          <>
            <p className="help" role="status">
              {reading.progress.phase} …
            </p>
            <progress
              value={reading.progress.done}
              max={Math.max(1, reading.progress.total)}
              aria-label={reading.progress.phase}
            />
          </>
        )}
        {complete && (
          <p className="help">
            {dataWords(data, disks, expected.length > 1)} {lengthWords(sums, compress)}
          </p>
        )}
        {expected
          .filter(({ error, forecast }) => error ?? forecast?.refused)
          .map(({ id, name, error, forecast }) => (
            <div key={id} className="problem problem--bad" role="alert">
              <WarningIcon />
              <div className="problem__body">
                <p>
                  <b>{name}:</b> {error ? [error.message, error.fix].join(' ') : forecast?.refused}
                </p>
              </div>
            </div>
          ))}
        {warnings.map((warning) => (
          <div key={warning} className="problem">
            <WarningIcon />
            <div className="problem__body">
              <p>{warning}</p>
            </div>
          </div>
        ))}
        {complete && <Ways ways={waysOf(forecasts)} sink={sink} onSink={onSink} />}
      </div>
    </section>
  );
}
