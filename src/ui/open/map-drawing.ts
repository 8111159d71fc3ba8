/** Draws cells on a canvas: hue for the family, texture for the level, lines to the cell that is looked at. */
import { type KindLook, LOOKS, type Texture } from './kinds.ts';

/** Side of a cell and its gap, in CSS pixels. */
export const CELL = 12;
/** Room for the offsets at the left. */
export const MARGIN = 56;

export interface Palette {
  readonly colours: Readonly<Record<KindLook['colour'], string>>;
  readonly gap: string;
  readonly text: string;
  readonly tick: string;
  readonly accent: string;
}

export interface Picture {
  readonly cells: Uint8Array;
  /** Cells that there are; the last rows may be longer than the file. */
  readonly count: number;
  readonly columns: number;
  readonly rows: number;
  /** Index of the cell looked at, −1: none here. */
  readonly selected: number;
  /** What stands at the left of row `row`. */
  readonly label: (row: number) => string;
}

/** One cell's worth of a texture, in device pixels. */
function stamp(texture: Texture, colour: string, { gap, colours }: Palette, side: number): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  canvas.width = side;
  canvas.height = side;
  const context = canvas.getContext('2d');
  if (!context) return canvas;
  const unit = side / 11;
  context.fillStyle = gap;
  context.fillRect(0, 0, side, side);
  context.fillStyle = colour;
  context.strokeStyle = colour;
  if (texture === 'solid') context.fillRect(0, 0, side, side);
  else if (texture === 'banded') {
    context.fillRect(0, 0, side, side);
    context.fillStyle = colours.snapshot;
    context.fillRect(0, side - unit * 3, side, unit * 3);
  } else if (texture === 'rows') {
    for (let y = unit; y < side; y += unit * 3) context.fillRect(0, y, side, unit * 1.7);
  } else if (texture === 'columns') {
    for (let x = unit; x < side; x += unit * 3) context.fillRect(x, 0, unit * 1.7, side);
  } else if (texture === 'dots') {
    for (let x = unit * 2; x < side; x += unit * 3.5) {
      for (let y = unit * 2; y < side; y += unit * 3.5) context.fillRect(x, y, unit * 1.2, unit * 1.2);
    }
  } else if (texture === 'diagonal') {
    context.lineWidth = unit * 1.9;
    for (let at = -side; at < side * 2; at += unit * 4.4) {
      context.beginPath();
      context.moveTo(at, side);
      context.lineTo(at + side, 0);
      context.stroke();
    }
  } else if (texture === 'frame') {
    context.lineWidth = unit * 2;
    context.strokeRect(unit, unit, side - unit * 2, side - unit * 2);
  } else {
    context.lineWidth = unit * 1.8;
    context.beginPath();
    context.moveTo(unit * 2, unit * 2);
    context.lineTo(side - unit * 2, side - unit * 2);
    context.moveTo(side - unit * 2, unit * 2);
    context.lineTo(unit * 2, side - unit * 2);
    context.stroke();
  }
  return canvas;
}

export type Stamps = ReadonlyMap<number, HTMLCanvasElement>;

export function stampsOf(palette: Palette, scale: number): Stamps {
  const side = Math.max(3, Math.round((CELL - 1) * scale));
  return new Map(LOOKS.map((look) => [look.kind, stamp(look.texture, palette.colours[look.colour], palette, side)]));
}

function drawLabels(context: CanvasRenderingContext2D, picture: Picture, palette: Palette, font: string): void {
  context.font = font;
  context.textAlign = 'right';
  context.textBaseline = 'middle';
  const step = picture.rows > 8 ? 4 : 1;
  for (let row = 0; row < picture.rows; row += step) {
    const y = row * CELL;
    context.fillStyle = palette.text;
    context.fillText(picture.label(row), MARGIN - 9, y + CELL / 2);
    context.fillStyle = palette.tick;
    context.fillRect(MARGIN - 6, y, 5, 1);
  }
}

function drawSelection(context: CanvasRenderingContext2D, picture: Picture, palette: Palette): void {
  const { selected, columns } = picture;
  if (selected < 0 || selected >= columns * picture.rows) return;
  const x = MARGIN + (selected % columns) * CELL;
  const y = Math.floor(selected / columns) * CELL;
  const middle = (CELL - 1) / 2;
  for (const [colour, width] of [
    [palette.gap, 4],
    [palette.accent, 1.5],
  ] as const) {
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.beginPath();
    context.moveTo(MARGIN - 5, y + middle);
    context.lineTo(x - 2, y + middle);
    context.moveTo(x + middle, 0);
    context.lineTo(x + middle, y - 2);
    context.stroke();
  }
  for (const [colour, width] of [
    [palette.gap, 5],
    [palette.accent, 2.5],
  ] as const) {
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.strokeRect(x - 2, y - 2, CELL + 3, CELL + 3);
  }
}

export function draw(
  canvas: HTMLCanvasElement,
  picture: Picture,
  palette: Palette,
  stamps: Stamps,
  font: string,
): void {
  const scale = window.devicePixelRatio || 1;
  const width = MARGIN + picture.columns * CELL + 4;
  const height = picture.rows * CELL + 4;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext('2d');
  if (!context) return;
  const { cells, count, columns } = picture;
  const side = Math.max(3, Math.round((CELL - 1) * scale));
  for (let i = 0; i < count; i++) {
    const image = stamps.get(cells[i] ?? 0);
    if (!image) continue;
    const x = Math.round((MARGIN + (i % columns) * CELL) * scale);
    context.drawImage(image, x, Math.round(Math.floor(i / columns) * CELL * scale), side, side);
  }
  context.setTransform(scale, 0, 0, scale, 0, 0);
  drawLabels(context, picture, palette, font);
  drawSelection(context, picture, palette);
}
