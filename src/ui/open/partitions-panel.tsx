/** What the disk is divided into: a strip to scale, the table, and each partition saved as a file. */
import { formatBytes } from '../../engine/bytes/units.ts';
import type { Partition } from '../../engine/image/partitions.ts';
import { savedName } from '../../platform/browser/deliver/saved-name.ts';
import type { DiskLayout, OpenReport } from '../../worker/open/protocol.ts';
import { SaveIcon } from '../icons.tsx';
import { Bytes } from '../measure.tsx';
import { stemOf } from './extract-panel.tsx';
import type { ExtractionControl } from './use-extraction.ts';

function contentText({ content, type }: Partition): string {
  if (!content) return type;
  return content.label === undefined ? content.name : `${content.name} "${content.label}"`;
}

/** A partition that holds others is drawn by what it holds. */
const isLeaf = (one: Partition, all: readonly Partition[]): boolean =>
  !all.some((other) => other !== one && other.at > one.at && other.at < one.at + one.length);

function Strip({ disk, size }: { readonly disk: DiskLayout; readonly size: number }) {
  const share = (bytes: number): string => `${(100 * Math.max(0, bytes)) / Math.max(1, size)}%`;
  return (
    <div className="strip strip--disk" aria-hidden="true">
      {disk.partitions
        .filter((one) => isLeaf(one, disk.partitions) && one.at < size)
        .map(({ number, at, length }, index) => (
          <i
            key={number}
            className={`k k-part k-part--${index % 2}`}
            style={{ left: share(at), width: share(Math.min(length, size - at)) }}
          />
        ))}
    </div>
  );
}

function headline({ table, reason, content }: DiskLayout): string {
  if (table) return `${table}, ${reason}`;
  return content
    ? `no partition table: ${content.name}, ${content.reason}`
    : 'no partition table, no known file system';
}

interface Props {
  readonly report: OpenReport;
  readonly disk: DiskLayout;
  readonly extraction: ExtractionControl;
  readonly onShow: (at: number) => void;
}

export function PartitionsPanel({ report, disk, extraction, onShow }: Props) {
  const size = report.virtualSize ?? 0;
  const saving = extraction.state.state === 'saving';
  const stem = stemOf(report.name);
  return (
    <section className="panel" aria-labelledby="partitions-title">
      <div className="panel__head">
        <h2 id="partitions-title">On the disk</h2>
        <p>{headline(disk)}</p>
      </div>
      {disk.partitions.length > 0 && (
        <div className="panel__body">
          <Strip disk={disk} size={size} />
          <div className="scroll">
            <table className="parts parts--disk">
              <thead>
                <tr>
                  <th scope="col">Partition</th>
                  <th scope="col">At</th>
                  <th scope="col">Length</th>
                  <th scope="col">
                    <span className="sr">Actions</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {disk.partitions.map((one) => (
                  <tr key={one.number}>
                    <th scope="row">
                      <b>
                        {one.number} {contentText(one)}
                      </b>
                      <small>
                        {[
                          one.name,
                          one.type,
                          one.active ? 'active' : '',
                          one.content?.reason,
                          one.outside ? 'reaches beyond the end of the disk' : '',
                        ]
                          .filter(Boolean)
                          .join(' · ')}
                      </small>
                    </th>
                    <td>
                      <button
                        className="link"
                        type="button"
                        onClick={() => onShow(one.at)}
                        aria-label={`Show bytes at ${formatBytes(one.at)}`}
                      >
                        <Bytes bytes={one.at} />
                      </button>
                    </td>
                    <td>
                      <Bytes bytes={one.length} />
                    </td>
                    <td>
                      <button
                        className="btn btn--sm"
                        type="button"
                        disabled={saving || one.outside === true}
                        aria-label={`Save partition ${one.number}`}
                        onClick={() =>
                          extraction.start({
                            space: 'guest',
                            at: one.at,
                            length: one.length,
                            fileName: savedName(`${stem}-part${one.number}.img`),
                          })
                        }
                      >
                        <SaveIcon />
                        <span className="wide">Save</span>
                      </button>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
          {disk.notes.map((note) => (
            <p className="help" key={note}>
              {note}
            </p>
          ))}
        </div>
      )}
      {disk.partitions.length === 0 && (disk.content || disk.notes.length > 0) && (
        <div className="panel__body">
          <p className="help">
            {disk.content && `The whole disk is ${disk.content.name}`}
            {disk.content?.label !== undefined && ` "${disk.content.label}"`}
            {disk.content && '.'} {disk.notes.join(' ')}
          </p>
        </div>
      )}
    </section>
  );
}
