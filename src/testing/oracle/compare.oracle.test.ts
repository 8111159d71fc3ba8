/** The comparison that every other oracle test rests on: it must see a single changed byte anywhere in a TiB. */
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type FileLayout, type Piece, pieceLayout } from '../../engine/image/layout.ts';
import '../seed.ts';
import { differenceFromFile } from './compare.ts';
import { withTempDir } from './temp-dir.ts';

const TIB = 2 ** 40;

/** A made-up layout: byte runs of a given length at given places, each filled with its own pattern. */
function layoutOf(length: number, places: readonly { readonly at: number; readonly length: number }[]): FileLayout {
  const pieces: Piece[] = [];
  let end = 0;
  for (const { at, length: wanted } of [...places].sort((a, b) => a.at - b.at)) {
    const start = Math.max(at, end);
    const bytes = Math.min(wanted, length - start);
    if (bytes <= 0) continue;
    pieces.push({ part: 'l2', index: pieces.length, at: start, length: bytes, content: 'bytes' });
    end = start + bytes;
  }
  return pieceLayout(
    length,
    () => pieces,
    (piece, from, into) => {
      for (let i = 0; i < into.length; i++) into[i] = (piece.at + from + i) % 251;
    },
  );
}

function writeLayout(layout: FileLayout, path: string): void {
  const fd = openSync(path, 'w');
  ftruncateSync(fd, layout.length);
  for (const piece of layout.pieces()) {
    const bytes = new Uint8Array(piece.length);
    layout.fill(piece, 0, bytes);
    writeSync(fd, bytes, 0, bytes.length, piece.at);
  }
  closeSync(fd);
}

/** What `path` holds at `at` according to the layout. */
function byteAt(layout: FileLayout, at: number): number {
  const into = new Uint8Array(1);
  for (const piece of layout.pieces()) {
    if (at >= piece.at && at < piece.at + piece.length) layout.fill(piece, at - piece.at, into);
  }
  return into[0] ?? 0;
}

const someLayout = fc
  .record({
    length: fc.oneof(fc.integer({ min: 1, max: 9_000_000 }), fc.integer({ min: 1, max: 2 * TIB })),
    places: fc.array(
      fc.record({
        where: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
        length: fc.oneof(fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 1, max: 1_200_000 })),
      }),
      { maxLength: 6 },
    ),
  })
  .map(({ length, places }) =>
    layoutOf(
      length,
      places.map((place) => ({ at: Math.floor(place.where * length), length: place.length })),
    ),
  );

test('equal files are equal, and one flipped byte anywhere is found at its place', () => {
  const where = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
  fc.assert(
    fc.property(someLayout, where, fc.boolean(), (layout, fraction, nearPiece) =>
      withTempDir((dir) => {
        const path = join(dir, 'file');
        writeLayout(layout, path);
        expect(differenceFromFile(layout, path)).toBeUndefined();

        const piece = [...layout.pieces()][0];
        const target =
          nearPiece && piece ? piece.at + piece.length - (fraction < 0.5 ? 1 : 0) : fraction * layout.length;
        const at = Math.min(Math.floor(target), layout.length - 1);
        const right = byteAt(layout, at);
        const fd = openSync(path, 'r+');
        writeSync(fd, Uint8Array.of(right ^ 0x40), 0, 1, at);
        closeSync(fd);
        const hex = (value: number) => `0x${value.toString(16).padStart(2, '0')}`;
        expect(differenceFromFile(layout, path)).toBe(`byte ${at}: ours ${hex(right)}, oracle ${hex(right ^ 0x40)}`);
      }),
    ),
    { numRuns: 120 },
  );
});

test('a file that is longer or shorter by one byte differs', () => {
  withTempDir((dir) => {
    const path = join(dir, 'file');
    const layout = layoutOf(TIB, [{ at: 4096, length: 100 }]);
    writeLayout({ ...layout, length: TIB + 1 }, path);
    expect(differenceFromFile(layout, path)).toBe(`length: ours ${TIB}, oracle ${TIB + 1}`);
    writeLayout({ ...layout, length: TIB - 1 }, path);
    expect(differenceFromFile(layout, path)).toBe(`length: ours ${TIB}, oracle ${TIB - 1}`);
  });
});
