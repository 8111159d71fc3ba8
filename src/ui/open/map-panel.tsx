/** The map of all clusters at any zoom: a picture with a cursor, or the same as a table. */
import { type FormEvent, useState } from 'react';
import { formatBytes, groupDigits } from '../../engine/bytes/units.ts';
import type { MapSummary, OpenReport, Space } from '../../worker/open/protocol.ts';
import { MinusIcon, PlusIcon } from '../icons.tsx';
import { CellLine } from './cell-line.tsx';
import { LOOKS, nameOf } from './kinds.ts';
import { MapCanvas } from './map-canvas.tsx';
import { MapTable } from './map-table.tsx';
import { fittingCells, type Grid } from './map-view.ts';
import { many, readOffset } from './offsets.ts';
import type { Spot } from './open-page.tsx';
import type { OpenImageHandle } from './use-image.ts';
import type { MapState } from './use-map.ts';

const clustersOf = (summary: MapSummary, space: Space): number =>
  space === 'file' ? summary.fileClusters : summary.guestClusters;

function Legend({
  summary,
  space,
  onFind,
}: {
  readonly summary: MapSummary;
  readonly space: Space;
  readonly onFind: (kind: number) => void;
}) {
  const counts = space === 'file' ? summary.fileCounts : summary.guestCounts;
  const found = LOOKS.filter(({ kind }) => (counts[kind] ?? 0) > 0);
  return (
    <ul
      className="legend legend--map"
      aria-label={space === 'file' ? 'What the file holds, in clusters' : 'What the disk holds, in clusters'}
    >
      {found.map(({ kind, colour, texture }) => (
        <li key={kind} data-kind={kind}>
          <button type="button" className="legend__go" onClick={() => onFind(kind)}>
            <i className={`tx tx--${texture} tx--${colour}`} />
            {nameOf(kind, space)} <b>{groupDigits(counts[kind] ?? 0)}</b>
            <span className="sr">: go to the next</span>
          </button>
        </li>
      ))}
    </ul>
  );
}

interface Props {
  readonly report: OpenReport;
  readonly image: OpenImageHandle;
  readonly map: MapState;
  readonly spot: Spot;
  readonly onSpot: (spot: Spot) => void;
}

export function MapPanel({ report, image, map, spot, onSpot }: Props) {
  const [shape, setShape] = useState<'picture' | 'table'>('picture');
  const [grid, setGrid] = useState<Grid>({ columns: 40, rows: 28 });
  const [zoom, setZoom] = useState<number>();
  const [goal, setGoal] = useState('');
  const [misread, setMisread] = useState(false);
  const { summary } = map;
  const { space } = spot;
  const clusters = summary ? clustersOf(summary, space) : 0;
  const most = fittingCells(clusters, grid);
  const perCell = Math.min(zoom ?? most, most);

  function go(event: FormEvent) {
    event.preventDefault();
    const at = readOffset(goal);
    const size = summary ? clusters * summary.clusterSize : 0;
    if (at === undefined || at >= size) return setMisread(true);
    setMisread(false);
    setZoom(1);
    onSpot({ space, at });
  }

  async function find(kind: number) {
    if (!summary) return;
    const here = Math.floor(spot.at / summary.clusterSize);
    const next = await image.ask({ kind: 'find', space, of: kind, from: here + 1 });
    const found = next >= 0 ? next : await image.ask({ kind: 'find', space, of: kind, from: 0 });
    if (found >= 0) onSpot({ space, at: found * summary.clusterSize });
  }

  return (
    <section className="panel" aria-labelledby="map-title">
      <div className="panel__head panel__head--tools">
        <h2 id="map-title">Cluster map</h2>
        <p>
          {summary && (perCell === 1 ? `1 cell = 1 cluster` : `1 cell = ${formatBytes(perCell * summary.clusterSize)}`)}
        </p>
        <div className="tools">
          <div className="seg seg--small" role="radiogroup" aria-label="Clusters of">
            {(['file', 'guest'] as const).map((one) => (
              <label key={one}>
                <input
                  type="radio"
                  name="map-space"
                  checked={space === one}
                  onChange={() => {
                    setZoom(undefined);
                    onSpot({ space: one, at: 0 });
                  }}
                />
                {one === 'file' ? 'File' : 'Guest disk'}
              </label>
            ))}
          </div>
          <div className="seg seg--small" role="radiogroup" aria-label="Shown as">
            {(['picture', 'table'] as const).map((one) => (
              <label key={one}>
                <input type="radio" name="map-shape" checked={shape === one} onChange={() => setShape(one)} />
                {one === 'picture' ? 'Picture' : 'Table'}
              </label>
            ))}
          </div>
          <div className="tools__zoom">
            <button
              className="iconbtn"
              type="button"
              aria-label="Zoom out"
              disabled={perCell >= most}
              onClick={() => setZoom(Math.min(most, perCell * 4))}
            >
              <MinusIcon />
            </button>
            <button
              className="iconbtn"
              type="button"
              aria-label="Zoom in"
              disabled={perCell <= 1}
              onClick={() => setZoom(Math.max(1, Math.floor(perCell / 4)))}
            >
              <PlusIcon />
            </button>
          </div>
          <form onSubmit={go}>
            <input
              className="input input--mono"
              aria-label="Go to offset"
              placeholder="Go to offset"
              value={goal}
              aria-invalid={misread}
              spellCheck={false}
              onChange={(event) => {
                setGoal(event.target.value);
                setMisread(false);
              }}
            />
          </form>
        </div>
      </div>
      {map.reading && (
        <div className="map__reading">
          <progress
            value={map.progress?.done ?? 0}
            max={Math.max(1, map.progress?.total ?? 1)}
            aria-label="Reading the tables"
          />
          <button className="btn btn--sm" type="button" onClick={map.cancel}>
            Cancel
          </button>
        </div>
      )}
      {map.problem !== undefined && (
        <div className="map__reading" role="status">
          <p>{map.problem}</p>
          <button className="btn btn--sm" type="button" onClick={map.start}>
            Read the tables
          </button>
        </div>
      )}
      {summary && shape === 'picture' && (
        <MapCanvas
          image={image}
          summary={summary}
          version={map.version}
          space={space}
          clusters={clusters}
          perCell={perCell}
          at={spot.at}
          grid={grid}
          onGrid={setGrid}
          onZoom={(next) => setZoom(Math.max(1, Math.min(most, next)))}
          onMove={(at) => onSpot({ space, at })}
        />
      )}
      {summary && shape === 'table' && (
        <MapTable
          key={space}
          image={image}
          report={report}
          summary={summary}
          version={map.version}
          space={space}
          onShow={(at) => onSpot({ space, at })}
        />
      )}
      {summary && (
        <div className="map__foot">
          <CellLine
            image={image}
            summary={summary}
            map={map}
            spot={spot}
            perCell={perCell}
            onSpot={onSpot}
            onZoom={setZoom}
          />
          <Legend summary={summary} space={space} onFind={(kind) => void find(kind)} />
          {perCell > 1 && shape === 'picture' && (
            <p className="help">
              A cell is drawn as the rarest of what is in it, so that one table among data is seen.
            </p>
          )}
          {summary.notes.map((note) => (
            <p className="help" key={note}>
              {note}
            </p>
          ))}
          {map.summary?.complete && (
            <p className="sr" role="status">
              The map is complete: {many(summary.fileClusters, 'cluster')} of the file.
            </p>
          )}
        </div>
      )}
    </section>
  );
}
