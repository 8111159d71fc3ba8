/** What the cell under the cursor is, in words, and where it leads. */
import { useEffect, useState } from 'react';
import { groupDigits } from '../../engine/bytes/units.ts';
import { ClusterKind } from '../../engine/image/cluster-kinds.ts';
import type { CellReport, MapSummary, Space } from '../../worker/open/protocol.ts';
import { countOf, LOOKS } from './kinds.ts';
import { hexOffset, offsetText } from './offsets.ts';
import type { Spot } from './open-page.tsx';
import type { OpenImageHandle } from './use-image.ts';
import type { MapState } from './use-map.ts';

interface Props {
  readonly image: OpenImageHandle;
  readonly summary: MapSummary;
  readonly map: MapState;
  readonly spot: Spot;
  readonly perCell: number;
  readonly onSpot: (spot: Spot) => void;
  readonly onZoom: (perCell: number) => void;
}

/** Moving on quickly asks only for where one stops. */
const PAUSE_MS = 60;

function mixture(counts: Float64Array, space: Space): string {
  const parts = LOOKS.filter(({ kind }) => (counts[kind] ?? 0) > 0)
    .toSorted((a, b) => (counts[b.kind] ?? 0) - (counts[a.kind] ?? 0))
    .map(({ kind }) => countOf(counts[kind] ?? 0, kind, space));
  return parts.join(', ');
}

function guestText(report: CellReport): string {
  const { host } = report;
  if (!host) return '';
  const below = host.depth === 0 ? '' : `, ${host.depth} ${host.depth === 1 ? 'image' : 'images'} below`;
  if (host.kind === 'absent') return 'In no image of the chain: reads as zeros.';
  if (host.kind === 'zero') return `Reads as zeros${below}.`;
  if (host.kind === 'coded') return `Compressed${below}.`;
  return `Data at ${offsetText(host.at ?? 0)} of the file${below}.`;
}

export function CellLine({ image, summary, map, spot, perCell, onSpot, onZoom }: Props) {
  const [cell, setCell] = useState<{ readonly key: string; readonly report: CellReport }>();
  const { clusterSize } = summary;
  const clusters = spot.space === 'file' ? summary.fileClusters : summary.guestClusters;
  const cluster = Math.floor(spot.at / clusterSize);
  const first = perCell === 1 ? cluster : Math.floor(cluster / perCell) * perCell;
  const count = Math.min(perCell, clusters - first);
  const { space } = spot;
  const key = `${space} ${first} ${count} ${map.version}`;
  useEffect(() => {
    if (count <= 0) return;
    const abort = new AbortController();
    const timer = setTimeout(() => {
      image.ask({ kind: 'cell', space, first, count }, { signal: abort.signal }).then(
        (report) => setCell({ key, report }),
        () => {},
      );
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [image, space, first, count, key]);

  if (count <= 0) return <p className="cell">The disk has no clusters.</p>;
  const report = cell?.key === key ? cell.report : undefined;
  const troubled = [ClusterKind.leaked, ClusterKind.conflict].find((kind) => (report?.counts[kind] ?? 0) > 0);
  const { owner } = report ?? {};
  const entry = owner?.entry ?? report?.entries?.at(-1);
  return (
    <div className="cell">
      <span className="cell__mark" aria-hidden="true" />
      <p role="status">
        <b>
          {count === 1
            ? `Cluster ${groupDigits(first)}`
            : `Clusters ${groupDigits(first)} to ${groupDigits(first + count - 1)}`}
        </b>{' '}
        from {offsetText(first * clusterSize)} <span className="u">({hexOffset(first * clusterSize)})</span>
        {report && (count === 1 ? '. ' : `: ${mixture(report.counts, space)}`)}
        {owner?.text} {count === 1 && report?.refcount !== undefined && `Counted ${report.refcount}×.`}
        {count === 1 && report && space === 'guest' && guestText(report)} {report?.trouble?.message}
      </p>
      <div className="cell__ways">
        {owner?.guest !== undefined && (
          <button
            className="btn btn--sm"
            type="button"
            onClick={() => onSpot({ space: 'guest', at: owner.guest ?? 0 })}
          >
            Guest {offsetText(owner.guest)}
          </button>
        )}
        {entry !== undefined && (
          <button className="btn btn--sm" type="button" onClick={() => onSpot({ space: 'file', at: entry })}>
            Its table entry
          </button>
        )}
        {report?.host?.depth === 0 && report.host.at !== undefined && (
          <button
            className="btn btn--sm"
            type="button"
            onClick={() => onSpot({ space: 'file', at: report.host?.at ?? 0 })}
          >
            In the file
          </button>
        )}
        {count > 1 && (
          <button
            className="btn btn--sm"
            type="button"
            onClick={async () => {
              if (troubled !== undefined) {
                const found = await image.ask({ kind: 'find', space, of: troubled, from: first });
                if (found >= 0) onSpot({ space, at: found * clusterSize });
              }
              onZoom(troubled === undefined ? Math.max(1, Math.floor(perCell / 16)) : 1);
            }}
          >
            {troubled === ClusterKind.leaked
              ? 'Zoom to the leak'
              : troubled === ClusterKind.conflict
                ? 'Zoom to the contradiction'
                : 'Zoom in'}
          </button>
        )}
      </div>
    </div>
  );
}
