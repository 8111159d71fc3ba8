/** What the image says about itself, in words, and in the terms of qemu-img. */
import type { ReactNode } from 'react';
import type { FactValue, SnapshotFacts } from '../../engine/image/description.ts';
import type { OpenReport } from '../../worker/open/protocol.ts';
import { CopyButton } from '../copy-button.tsx';
import { TurnIcon } from '../icons.tsx';
import { Bytes, exactBytes } from '../measure.tsx';
import { ShowMore } from '../show-more.tsx';
import { useFirst } from '../use-first.ts';
import { many } from './offsets.ts';

interface Row {
  readonly label: string;
  readonly value: ReactNode;
  readonly note?: ReactNode;
}

const word = (value: FactValue | undefined): string =>
  value === true ? 'on' : value === false ? 'off' : String(value);

function encryptionOf({ encrypted, facts }: OpenReport): Row {
  const encrypt = facts?.['encrypt'] as Readonly<Record<string, string>> | undefined;
  if (!encrypted) return { label: 'Encryption', value: 'none' };
  const cipher = [encrypt?.['cipher-alg'], encrypt?.['cipher-mode'], encrypt?.['ivgen-alg']].filter(Boolean).join(', ');
  return { label: 'Encryption', value: encrypt?.['format'] ?? 'yes', note: cipher };
}

function rowsOf(report: OpenReport): Row[] {
  const { virtualSize, length, clusterSize, facts, format, reason, below, snapshots, dataFile, packed } = report;
  const rows: Row[] = [{ label: 'Format', value: format, note: reason }];
  if (virtualSize !== undefined) {
    rows.push({ label: 'Guest sees', value: <Bytes bytes={virtualSize} />, note: exactBytes(virtualSize) });
  }
  rows.push({ label: 'File length', value: <Bytes bytes={length} />, note: exactBytes(length) });
  if (packed) rows.push({ label: 'Unpacked from', value: <Bytes bytes={packed.length} />, note: packed.name });
  if (clusterSize !== undefined) {
    const packing = facts?.['compression-type'];
    const extended = facts?.['extended-l2'] === true ? ', 32 subclusters each' : '';
    rows.push({
      label: 'Clusters',
      value: <Bytes bytes={clusterSize} />,
      note: packing === undefined ? '' : `${packing} when compressed${extended}`,
    });
  }
  if (facts?.['refcount-bits'] !== undefined) {
    const lazy = facts['lazy-refcounts'];
    rows.push({
      label: 'Refcounts',
      value: (
        <>
          {String(facts['refcount-bits'])} <span className="u">bit</span>
        </>
      ),
      note: lazy === undefined ? '' : `lazy ${word(lazy)}`,
    });
  }
  if (facts?.['compat'] !== undefined) {
    const compat = String(facts['compat']);
    rows.push({ label: 'Version', value: compat === '1.1' ? '3' : '2', note: `compat ${compat}` });
  }
  if (format === 'qcow2') {
    rows.push({
      label: 'Snapshots',
      value: String(snapshots.length),
      note: someNames(snapshots),
    });
    const bitmaps = (facts?.['bitmaps'] ?? []) as readonly { readonly name: string }[];
    rows.push({ label: 'Bitmaps', value: String(bitmaps.length), note: someNames(bitmaps) });
    rows.push(encryptionOf(report));
  }
  if (dataFile !== undefined) rows.push({ label: 'Data file', value: '', note: dataFile });
  for (const layer of below) {
    const label = layer.role === 'data file' ? 'Data file given' : 'Rests on';
    rows.push({ label, value: layer.format, note: layer.name });
  }
  return rows;
}

/** Names come from the file, which may have tens of thousands. */
const MOST_NAMES = 20;
const MOST_JSON = 200_000;

function someNames(named: readonly { readonly name: string }[]): string {
  const names = named.slice(0, MOST_NAMES).map(({ name }) => name);
  const rest = named.length - names.length;
  return rest > 0 ? `${names.join(', ')} and ${rest.toLocaleString('en')} more` : names.join(', ');
}

function SnapshotTable({ snapshots }: { readonly snapshots: readonly SnapshotFacts[] }) {
  const { shown, rest, showMore } = useFirst(snapshots);
  return (
    <details className="fold">
      <summary>
        <TurnIcon />
        <span className="fold__title">{many(snapshots.length, 'snapshot')}</span>
      </summary>
      <div className="fold__body fold__body--table">
        <table className="parts">
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col">Made</th>
              <th scope="col">Memory</th>
            </tr>
          </thead>
          <tbody>
            {shown.map(({ id, name, seconds, vmStateSize }) => (
              <tr key={id}>
                <th scope="row">
                  <span className="u">{id}</span> {name}
                </th>
                <td>{new Date(seconds * 1000).toLocaleString()}</td>
                <td>{vmStateSize === 0n ? <span className="u">none</span> : <Bytes bytes={vmStateSize} />}</td>
              </tr>
            ))}
          </tbody>
        </table>
        <ShowMore rest={rest} onMore={showMore} />
      </div>
    </details>
  );
}

function JsonFold({ json }: { readonly json: string }) {
  return (
    <details className="fold">
      <summary>
        <TurnIcon />
        <span className="fold__title">As qemu-img info --output=json</span>
      </summary>
      <div className="fold__body">
        <div className="shell">
          <pre data-testid="info-json">{json.slice(0, MOST_JSON)}</pre>
          <CopyButton text={json} what="JSON" bare />
        </div>
        {json.length > MOST_JSON && <p className="help">Too long to be shown whole; it is copied whole.</p>}
        <p className="help">Without actual-size: a browser does not tell how much of the disk a file takes.</p>
      </div>
    </details>
  );
}

export function SummaryPanel({ report }: { readonly report: OpenReport }) {
  return (
    <section className="panel" aria-labelledby="summary-title">
      <div className="panel__head">
        <h2 id="summary-title">Summary</h2>
        <p>{report.label}</p>
      </div>
      <dl className="facts facts--open">
        {rowsOf(report).map(({ label, value, note }, index) => (
          // Several layers may carry one label.
          // biome-ignore lint/suspicious/noArrayIndexKey: the rows of a report never change their places.
          <div key={`${label}-${index}`}>
            <dt>{label}</dt>
            <dd>{value}</dd>
            <dd>{note}</dd>
          </div>
        ))}
      </dl>
      <div className="panel__folds">
        {report.snapshots.length > 0 && <SnapshotTable snapshots={report.snapshots} />}
        {report.json !== undefined && <JsonFold json={report.json} />}
      </div>
    </section>
  );
}
