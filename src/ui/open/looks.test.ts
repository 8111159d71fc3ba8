/** The arithmetic behind map and bytes. */
import { expect, test } from 'vitest';
import { hexRows } from './hex-rows.ts';
import { around, fittingCells, moved, rowsOf } from './map-view.ts';
import { readOffset } from './offsets.ts';

const grid = { columns: 64, rows: 28 };

test('cells are as small as all of them fit', () => {
  expect(fittingCells(0, grid)).toBe(1);
  expect(fittingCells(64 * 28, grid)).toBe(1);
  expect(fittingCells(64 * 28 + 1, grid)).toBe(2);
  const million = fittingCells(2 ** 24, grid);
  expect(million * 64 * 28).toBeGreaterThanOrEqual(2 ** 24);
  expect((million / 2) * 64 * 28).toBeLessThan(2 ** 24);
  expect(rowsOf(65, 1, grid)).toBe(2);
});

test('the view moves only where it must, and never behind the end', () => {
  const clusters = 100_000;
  expect(around({ perCell: 1, first: 640 }, 700, clusters, grid).first).toBe(640);
  const far = around({ perCell: 1, first: 0 }, 50_000, clusters, grid);
  expect(far.first % 64).toBe(0);
  expect(far.first).toBeLessThanOrEqual(50_000);
  expect(far.first + 64 * 28).toBeGreaterThan(50_000);
  const end = around({ perCell: 1, first: 0 }, clusters - 1, clusters, grid);
  expect(end.first + 64 * 28).toBeGreaterThanOrEqual(clusters);
  expect(end.first + 64 * 27).toBeLessThan(clusters);
  expect(around({ perCell: 64, first: 6400 }, 5, 1000, grid).first).toBe(0);
});

test('steps stay inside', () => {
  expect(moved(0, -1, 4, 100)).toBe(0);
  expect(moved(5, 1, 4, 100)).toBe(8);
  expect(moved(5, Number.POSITIVE_INFINITY, 4, 99)).toBe(96);
});

test('offsets as people type them', () => {
  expect(readOffset('0x1000')).toBe(4096);
  expect(readOffset('1 MiB')).toBe(2 ** 20);
  expect(readOffset('65,536')).toBe(65536);
  expect(readOffset('here')).toBe(undefined);
});

test('bytes are grouped by field, across rows', () => {
  const bytes = Uint8Array.from({ length: 32 }, (_, i) => i + 64);
  const fields = [
    { at: 100, length: 4, name: 'a', value: '' },
    { at: 112, length: 8, name: 'b', value: '' },
  ];
  const rows = hexRows(100, bytes, fields, 16);
  expect(rows.map(({ groups }) => groups.map(({ field, text }) => [field, text.split(' ').length]))).toEqual([
    [
      [0, 4],
      [-1, 4],
      [-1, 4],
      [1, 4],
    ],
    [
      [1, 4],
      [-1, 4],
      [-1, 8],
    ],
  ]);
  expect(rows[0]?.letters).toBe('@ABCDEFGHIJKLMNO');
});
