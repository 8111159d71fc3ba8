/** What you get: three readings, then the facts that follow from the options. */
import { formatBytes } from '../../engine/bytes/units.ts';
import type { Fact } from '../../engine/image/format.ts';
import type { ForecastReport } from '../../jobs/forecast.ts';
import { Bytes, Measured } from '../measure.tsx';
import { Reading } from '../reading.tsx';

interface Sums {
  readonly length: number;
  readonly written: number;
  readonly grown: number;
}

/** The image and its data file together. */
export function sumsOf({ now, full, dataFile }: ForecastReport): Sums {
  const beside = dataFile ?? { length: 0, written: 0 };
  return {
    length: now.length + beside.length,
    written: now.written + beside.written,
    grown: (full ?? now).length + beside.length,
  };
}

function FactRow({ fact }: { readonly fact: Fact }) {
  return (
    <div>
      <dt>{fact.label}</dt>
      <dd>{fact.bytes === undefined ? <Measured value={fact.text ?? ''} unit="" /> : <Bytes bytes={fact.bytes} />}</dd>
      <dd>{fact.note}</dd>
    </div>
  );
}

function factsOf(report: ForecastReport): Fact[] {
  const { length, written } = sumsOf(report);
  const facts = [...report.facts];
  if (report.dataFile) {
    facts.push({ label: report.dataFile.name, bytes: report.dataFile.length, note: 'the data file beside it' });
  }
  if (formatBytes(written) !== formatBytes(length))
    facts.push({ label: 'Written now', bytes: written, note: 'the rest is a hole' });
  return facts;
}

interface Props {
  readonly report: ForecastReport | undefined;
  readonly old: boolean;
  /** The options make an image: without a report, it is on its way. */
  readonly sound: boolean;
}

export function SizesCard({ report, old, sound }: Props) {
  const sums = report && sumsOf(report);
  const both = report?.dataFile !== undefined;
  return (
    <section
      className={old ? 'panel panel--old' : 'panel'}
      aria-labelledby="sizes-title"
      aria-busy={old || (sound && !report)}
    >
      <div className="panel__head panel__head--sizes">
        <h2 id="sizes-title">What you get</h2>
      </div>
      <dl className="readings">
        <Reading label="Guest sees" bytes={report?.guestSize} />
        <Reading label={both ? 'Both files now' : 'File now'} bytes={sums?.length} />
        <Reading label="May grow to" bytes={sums?.grown} />
      </dl>
      {report ? (
        <dl className="facts">
          {factsOf(report).map((fact) => (
            <FactRow key={fact.label} fact={fact} />
          ))}
        </dl>
      ) : (
        <p className="note">
          {sound
            ? 'Working it out …'
            : 'Nothing yet: these options make no valid image. The numbers return when that is settled.'}
        </p>
      )}
    </section>
  );
}

/** One line for the bar at the bottom of small screens. */
export function summaryOf(report: ForecastReport): { strong: string; rest: string } {
  const { length, grown } = sumsOf(report);
  if (grown === length) return { strong: formatBytes(length), rest: 'and never grows' };
  return { strong: `${formatBytes(length)} now`, rest: `grows up to ${formatBytes(grown)}` };
}
