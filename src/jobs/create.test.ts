import fc from 'fast-check';
import { expect, it } from 'vitest';
import '../testing/seed.ts';
import { type FileLayout, type Piece, pieceLayout } from '../engine/image/layout.ts';
import { emitLayout } from './create.ts';

/** Pieces laid one after the other with gaps; each byte tells its piece and place. */
const layouts: fc.Arbitrary<FileLayout> = fc
  .array(
    fc.record({
      gap: fc.constantFrom(0, 0, 0, 512, 70000),
      length: fc.oneof(fc.integer({ min: 1, max: 5000 }), fc.constantFrom(65536, 1_048_576, 3_000_000)),
      content: fc.constantFrom<Piece['content']>('bytes', 'bytes', 'zeros', 'hole'),
    }),
    { maxLength: 8 },
  )
  .map((parts) => {
    const pieces: Piece[] = [];
    let at = 0;
    for (const [index, { gap, length, content }] of parts.entries()) {
      at += gap;
      pieces.push({ part: 'data', index, at, length, content });
      at += length;
    }
    return pieceLayout(
      at,
      () => pieces,
      (piece, from, into) => {
        for (let i = 0; i < into.length; i++) into[i] = 1 + ((piece.index * 31 + from + i) % 250);
      },
    );
  });

it('emits each byte once, in file order, at most 8 MiB at a time, and reports all of it', () => {
  fc.assert(
    fc.property(layouts, (layout) => {
      const expected = new Uint8Array(layout.length);
      let written = 0;
      for (const piece of layout.pieces()) {
        if (piece.content === 'bytes') layout.fill(piece, 0, expected.subarray(piece.at, piece.at + piece.length));
        if (piece.content !== 'hole') written += piece.length;
      }
      const file = new Uint8Array(layout.length);
      let end = 0;
      let reported = { done: -1, total: -1 };
      const steps = emitLayout(layout);
      let step = steps.next();
      for (; !step.done; step = steps.next()) {
        if (step.value.kind === 'progress') {
          expect(step.value.done).toBeGreaterThanOrEqual(reported.done);
          reported = step.value;
          continue;
        }
        const { at } = step.value;
        const length = step.value.kind === 'emit' ? step.value.bytes.length : step.value.length;
        expect(at).toBeGreaterThanOrEqual(end);
        expect(length).toBeGreaterThan(0);
        expect(length).toBeLessThanOrEqual(8 * 1024 * 1024);
        if (step.value.kind === 'emit') file.set(step.value.bytes, at);
        end = at + length;
      }
      expect(step.value).toBe(written);
      expect([reported.done, reported.total]).toEqual([written, written]);
      const at = file.findIndex((byte, i) => byte !== expected[i]);
      expect(at).toBe(-1);
    }),
    { numRuns: 15 },
  );
});

it('gathers small neighbours into one write', () => {
  const pieces: Piece[] = Array.from({ length: 1000 }, (_, index) => ({
    part: 'l2',
    index,
    at: index * 512,
    length: 512,
    content: 'bytes',
  }));
  const layout = pieceLayout(512_000, () => pieces);
  const emits = [...emitLayout(layout)].filter((step) => step.kind === 'emit');
  expect(emits.length).toBe(1);
});
