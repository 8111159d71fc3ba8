/** The picture of the map. Only what is shown is asked for, at the zoom it is shown at. */
import { type KeyboardEvent, type MouseEvent, useEffect, useMemo, useRef, useState } from 'react';
import { formatBytes } from '../../engine/bytes/units.ts';
import type { MapSummary, Space } from '../../worker/open/protocol.ts';
import { CELL, draw, MARGIN, stampsOf } from './map-drawing.ts';
import { around, type Grid, moved, rowsOf } from './map-view.ts';
import { offsetText } from './offsets.ts';
import type { OpenImageHandle } from './use-image.ts';
import { INKS, SWATCHES, usePalette } from './use-palette.ts';

interface Props {
  readonly image: OpenImageHandle;
  readonly summary: MapSummary;
  /** Grows when there is more to draw. */
  readonly version: number;
  readonly space: Space;
  readonly clusters: number;
  readonly perCell: number;
  readonly at: number;
  readonly grid: Grid;
  readonly onGrid: (grid: Grid) => void;
  readonly onZoom: (perCell: number) => void;
  readonly onMove: (at: number) => void;
}

const ROWS = 28;
const NARROW_ROWS = 36;

/** As many columns as fit, a multiple of four. */
function gridFor(width: number): Grid {
  const columns = Math.max(8, Math.floor((width - MARGIN - 4) / CELL / 4) * 4);
  return { columns, rows: columns < 40 ? NARROW_ROWS : ROWS };
}

/** How many cells a key moves on. */
function cellsFor(key: string, columns: number, page: number): number | undefined {
  switch (key) {
    case 'ArrowLeft':
      return -1;
    case 'ArrowRight':
      return 1;
    case 'ArrowUp':
      return -columns;
    case 'ArrowDown':
      return columns;
    case 'PageUp':
      return -page;
    case 'PageDown':
      return page;
    case 'Home':
      return Number.NEGATIVE_INFINITY;
    case 'End':
      return Number.POSITIVE_INFINITY;
    default:
      return undefined;
  }
}

const zoomFor = (key: string): number | undefined => (key === '+' || key === '=' ? 1 / 4 : key === '-' ? 4 : undefined);

export function MapCanvas(props: Props) {
  const { image, summary, version, space, clusters, perCell, at, grid, onGrid, onZoom, onMove } = props;
  const frame = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const probes = useRef<HTMLDivElement>(null);
  const palette = usePalette(probes);
  const cluster = Math.min(Math.max(0, clusters - 1), Math.floor(at / summary.clusterSize));
  const [first, setFirst] = useState(0);
  const view = around({ perCell, first }, cluster, clusters, grid);
  const shownFirst = view.first;
  useEffect(() => setFirst(shownFirst), [shownFirst]);

  useEffect(() => {
    const element = frame.current;
    if (!element) return;
    const measure = () => {
      const next = gridFor(element.clientWidth);
      if (next.columns !== grid.columns || next.rows !== grid.rows) onGrid(next);
    };
    // It is told once at the start, when the layout is done: asking earlier would force one.
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, [grid, onGrid]);

  const rows = rowsOf(clusters, perCell, grid);
  const count = Math.max(0, Math.min(grid.columns * rows, Math.ceil((clusters - shownFirst) / perCell)));
  const [cells, setCells] = useState<{ readonly key: string; readonly bytes: Uint8Array }>();
  const key = `${space} ${shownFirst} ${perCell} ${count}`;
  // `version` stands for the content of the map.
  // biome-ignore lint/correctness/useExhaustiveDependencies: what has been read since must be drawn.
  useEffect(() => {
    let gone = false;
    image.ask({ kind: 'cells', space, first: shownFirst, perCell, count }).then(
      (bytes) => {
        if (!gone) setCells({ key, bytes });
      },
      () => {},
    );
    return () => {
      gone = true;
    };
  }, [image, version, space, shownFirst, perCell, count, key]);

  const scale = typeof window === 'undefined' ? 1 : window.devicePixelRatio || 1;
  const stamps = useMemo(() => palette && stampsOf(palette, scale), [palette, scale]);
  const selected = clusters === 0 ? -1 : Math.floor((cluster - shownFirst) / perCell);
  useEffect(() => {
    const element = canvas.current;
    if (!element || !palette || !stamps || cells?.key !== key) return;
    const font = `11px ${getComputedStyle(element).fontFamily}`;
    const label = (row: number): string =>
      offsetText((shownFirst + row * grid.columns * perCell) * summary.clusterSize);
    draw(element, { cells: cells.bytes, count, columns: grid.columns, rows, selected, label }, palette, stamps, font);
  }, [cells, key, palette, stamps, selected, count, grid, rows, shownFirst, perCell, summary.clusterSize]);

  const go = (to: number): void => onMove(to * summary.clusterSize);
  const step = (by: number): void => go(moved(cluster, by, perCell, clusters));

  function cellAt(event: MouseEvent): number | undefined {
    const box = canvas.current?.getBoundingClientRect();
    if (!box) return undefined;
    const column = Math.floor((event.clientX - box.left - MARGIN) / CELL);
    const row = Math.floor((event.clientY - box.top) / CELL);
    const index = row * grid.columns + column;
    return column < 0 || column >= grid.columns || row < 0 || index >= count ? undefined : index;
  }

  function click(event: MouseEvent) {
    const index = cellAt(event);
    if (index !== undefined) go(shownFirst + index * perCell);
  }

  function press(event: KeyboardEvent) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const by = cellsFor(event.key, grid.columns, grid.columns * rows);
    const zoom = zoomFor(event.key);
    if (by === undefined && zoom === undefined) return;
    event.preventDefault();
    if (by !== undefined) step(by);
    else if (zoom !== undefined) onZoom(Math.floor(perCell * zoom));
  }

  const shown = grid.columns * rows * perCell;
  const whole = shown >= clusters;
  return (
    <div className="map__frame">
      {/* Its width is what there is room for. */}
      <div ref={frame} />
      <div ref={probes} hidden>
        {[...SWATCHES, ...INKS].map((name) => (
          <i key={name} data-colour={name} className={`ink--${name}`} />
        ))}
      </div>
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset is for the fields of a form. */}
      <div
        className="map__picture"
        role="group"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it is moved in with the arrow keys.
        tabIndex={0}
        aria-label="Cluster map. Arrow keys move the cell, plus and minus zoom; the table says the same in words."
        onKeyDown={press}
        onClick={click}
        onDoubleClick={(event) => {
          click(event);
          onZoom(Math.floor(perCell / 4));
        }}
      >
        <canvas ref={canvas} data-drawn={cells?.key === key} />
      </div>
      {!whole && (
        <input
          className="map__place"
          type="range"
          min={0}
          max={Math.max(1, Math.ceil(clusters / (grid.columns * perCell)) - rows)}
          value={Math.round(shownFirst / (grid.columns * perCell))}
          aria-label="Part of the map that is shown"
          aria-valuetext={`from ${formatBytes(shownFirst * summary.clusterSize)}`}
          onChange={(event) => go(Number(event.target.value) * grid.columns * perCell)}
        />
      )}
    </div>
  );
}
