import fc from 'fast-check';
import { expect, test } from 'vitest';
import { runs, seed } from '../../testing/seed.ts';
import { ClusterKinds } from './cluster-kinds.ts';

/** The same with a plain array. */
const pieces = fc.array(
  fc.record({
    first: fc.integer({ min: 0, max: 200_000 }),
    count: fc.integer({ min: 1, max: 70_000 }),
    kind: fc.integer({ min: 1, max: 15 }),
  }),
  { maxLength: 6 },
);

test('cells, counts, runs and searches agree with a plain array', () => {
  fc.assert(
    fc.property(
      pieces,
      fc.integer({ min: 1, max: 250_000 }),
      fc.integer({ min: 1, max: 9000 }),
      (marks, length, perCell) => {
        const kinds = new ClusterKinds(length);
        const plain = new Uint8Array(length);
        for (const { first, count, kind } of marks) {
          kinds.mark(first, count, kind, (old, next) => Math.max(old, next));
          for (let i = first; i < Math.min(length, first + count); i++) plain[i] = Math.max(plain[i] ?? 0, kind);
        }
        const cells = Math.ceil(length / perCell);
        const expected = Array.from({ length: cells }, (_, i) =>
          Math.max(...plain.subarray(i * perCell, (i + 1) * perCell)),
        );
        expect([...kinds.cells(0, perCell, cells)]).toEqual(expected);
        const counts = new Float64Array(16);
        for (const kind of plain) counts[kind] = (counts[kind] ?? 0) + 1;
        expect(kinds.counts()).toEqual(counts);
        let at = 0;
        for (const run of kinds.runs(0, 1_000_000)) {
          expect(run.first).toBe(at);
          expect(plain.subarray(run.first, run.first + run.count).every((kind) => kind === run.kind)).toBe(true);
          at += run.count;
        }
        expect(at).toBe(length);
        for (const kind of [1, 7, 15]) expect(kinds.find(kind, perCell)).toBe(plain.indexOf(kind, perCell));
      },
    ),
    { seed, numRuns: runs(40) },
  );
});

test('what scatters over all of an endless file is refused before it takes the memory', () => {
  const kinds = new ClusterKinds(2 ** 40);
  expect(() => {
    for (let i = 0; i < 10_000; i++) kinds.mark(i * 2 ** 20, 1, 1);
  }).toThrow(/too far/);
});
