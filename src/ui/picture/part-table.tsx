/** The picture as a table: what is where, now and when the disk is full. */

import { groupDigits } from '../../engine/bytes/units.ts';
import type { Part, PartTotal } from '../../engine/image/layout.ts';
import type { FileReport } from '../../jobs/forecast.ts';
import { Bytes } from '../measure.tsx';
import { PART_ORDER, partName } from './parts.ts';

interface Props {
  readonly caption: string;
  readonly now: FileReport;
  /** Absent: the file never grows. */
  readonly full?: FileReport | undefined;
}

const find = (file: FileReport | undefined, part: Part): PartTotal | undefined =>
  file?.parts.find((one) => one.part === part);

export function PartTable({ caption, now, full }: Props) {
  const parts = PART_ORDER.filter((part) => find(now, part) || find(full, part));
  return (
    <table className="parts">
      <caption className="sr">{caption}</caption>
      <thead>
        <tr>
          <th scope="col">Part</th>
          <th scope="col">First at</th>
          <th scope="col">Now</th>
          {full && <th scope="col">Full</th>}
        </tr>
      </thead>
      <tbody>
        {parts.map((part) => {
          const today = find(now, part);
          const later = find(full, part);
          const most = Math.max(today?.count ?? 0, later?.count ?? 0);
          const at = (today ?? later)?.at ?? 0;
          return (
            <tr key={part}>
              <th scope="row">
                <i className={`sw k k-${part}`} aria-hidden="true" />
                {partName(part, most)}
                {most > 1 && part !== 'data' && <span className="u"> × {groupDigits(most)}</span>}
              </th>
              <td>{at === 0 ? '0' : <Bytes bytes={at} />}</td>
              <td>{today ? <Bytes bytes={today.bytes} /> : '0'}</td>
              {full && <td>{later ? <Bytes bytes={later.bytes} /> : '0'}</td>}
            </tr>
          );
        })}
      </tbody>
      <tfoot>
        <tr>
          <th scope="row">File</th>
          <td />
          <td>
            <Bytes bytes={now.length} />
          </td>
          {full && (
            <td>
              <Bytes bytes={full.length} />
            </td>
          )}
        </tr>
      </tfoot>
    </table>
  );
}
