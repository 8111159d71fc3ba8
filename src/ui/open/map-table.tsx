/** The map in words: runs of clusters of the file, or stretches of the disk as `qemu-img map` tells them. */
import { useEffect, useState } from 'react';
import { formatBytes, groupDigits } from '../../engine/bytes/units.ts';
import type { DiskRun, KindRun, MapSummary, OpenReport, Space } from '../../worker/open/protocol.ts';
import { nameOf } from './kinds.ts';
import { hexOffset } from './offsets.ts';
import { type OpenImageHandle, wordsOf } from './use-image.ts';

const PAGE = 100;

interface Row {
  readonly at: number;
  readonly length: number;
  readonly what: string;
  readonly where: string;
}

const ofFile = ({ first, count, kind }: KindRun, clusterSize: number): Row => ({
  at: first * clusterSize,
  length: count * clusterSize,
  what: nameOf(kind),
  where:
    count === 1
      ? `cluster ${groupDigits(first)}`
      : `clusters ${groupDigits(first)} to ${groupDigits(first + count - 1)}`,
});

function ofDisk({ start, length, depth, zero, data, present, offset }: DiskRun): Row {
  const what = !present
    ? 'nothing, reads as zeros'
    : zero
      ? 'zeros'
      : data && offset === undefined
        ? 'compressed'
        : 'data';
  const image = depth === 0 ? 'this image' : `image ${depth} below`;
  return {
    at: start,
    length,
    what,
    where: present ? `${image}${offset === undefined ? '' : `, at ${hexOffset(offset)}`}` : '',
  };
}

interface Props {
  readonly image: OpenImageHandle;
  readonly report: OpenReport;
  readonly summary: MapSummary;
  readonly version: number;
  readonly space: Space;
  readonly onShow: (at: number) => void;
}

export function MapTable({ image, report, summary, version, space, onShow }: Props) {
  const [from, setFrom] = useState<readonly number[]>([0]);
  const [rows, setRows] = useState<readonly Row[]>([]);
  const [problem, setProblem] = useState<string>();
  const start = from.at(-1) ?? 0;
  const { clusterSize } = summary;
  // biome-ignore lint/correctness/useExhaustiveDependencies: `version` stands for what has been read since.
  useEffect(() => {
    let gone = false;
    const asked =
      space === 'file'
        ? image
            .ask({ kind: 'runs', first: start / clusterSize, limit: PAGE })
            .then((runs) => runs.map((run) => ofFile(run, clusterSize)))
        : image.ask({ kind: 'disk-runs', from: start, limit: PAGE }).then((runs) => runs.map(ofDisk));
    asked.then(
      (found) => {
        if (gone) return;
        setRows(found);
        setProblem(undefined);
      },
      (error: unknown) => {
        if (gone) return;
        setRows([]);
        setProblem(wordsOf(error));
      },
    );
    return () => {
      gone = true;
    };
  }, [image, version, space, start, clusterSize]);

  const last = rows.at(-1);
  const size = space === 'file' ? summary.fileClusters * clusterSize : (report.virtualSize ?? 0);
  const more = last !== undefined && last.at + last.length < size;
  return (
    <div className="map__table">
      {problem !== undefined && <p className="help">{problem}</p>}
      <div className="scroll">
        <table className="parts">
          <caption className="sr">
            {space === 'file' ? 'Runs of clusters of the file' : 'Stretches of the disk'}
          </caption>
          <thead>
            <tr>
              <th scope="col">What</th>
              <th scope="col">{space === 'file' ? 'Clusters' : 'Where'}</th>
              <th scope="col">From</th>
              <th scope="col">Length</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ at, length, what, where }) => (
              <tr key={at}>
                <th scope="row">{what}</th>
                <td>{where}</td>
                <td>
                  <button
                    className="link"
                    type="button"
                    onClick={() => onShow(at)}
                    aria-label={`Show ${hexOffset(at)}`}
                  >
                    {hexOffset(at)}
                  </button>
                </td>
                <td>{formatBytes(length)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <div className="map__pages">
        <button
          className="btn btn--sm"
          type="button"
          disabled={from.length < 2}
          onClick={() => setFrom(from.slice(0, -1))}
        >
          Before
        </button>
        <button
          className="btn btn--sm"
          type="button"
          disabled={!more}
          onClick={() => last && setFrom([...from, last.at + last.length])}
        >
          Next {PAGE}
        </button>
      </div>
    </div>
  );
}
