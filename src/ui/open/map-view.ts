/** Which clusters the picture shows: cells of a power of two, a window over them, the cell one looks at. */

export interface View {
  /** Clusters of a cell. */
  readonly perCell: number;
  /** First cluster shown, a multiple of a row. */
  readonly first: number;
}

export interface Grid {
  readonly columns: number;
  readonly rows: number;
}

/** The smallest cells with which all of it fits. */
export function fittingCells(clusters: number, { columns, rows }: Grid): number {
  let perCell = 1;
  while (perCell * columns * rows < clusters) perCell *= 2;
  return perCell;
}

/** Rows that are needed, at most those of the grid. */
export const rowsOf = (clusters: number, perCell: number, { columns, rows }: Grid): number =>
  Math.max(1, Math.min(rows, Math.ceil(clusters / (perCell * columns))));

/** The view moved so that `cluster` is in it, and not behind the end. */
export function around(view: View, cluster: number, clusters: number, grid: Grid): View {
  const row = view.perCell * grid.columns;
  const shown = row * grid.rows;
  if (shown >= clusters) return { ...view, first: 0 };
  let { first } = view;
  if (cluster < first || cluster >= first + shown) {
    first = Math.floor((cluster - shown / 2) / row) * row;
  }
  const last = Math.ceil(clusters / row) * row - shown;
  return { ...view, first: Math.max(0, Math.min(first, Math.max(0, last))) };
}

/** `by` cells on, inside what there is. */
export function moved(cluster: number, by: number, perCell: number, clusters: number): number {
  const cell = Math.floor(cluster / perCell) + by;
  const last = Math.floor((clusters - 1) / perCell);
  return Math.max(0, Math.min(cell, last)) * perCell;
}
