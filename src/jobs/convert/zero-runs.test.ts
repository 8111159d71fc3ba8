/** Telling data from zeros, against a plain reading of the rules block by block. */
import { expect, test } from 'vitest';
import { Random } from '../../testing/random.ts';
import { runs, seed } from '../../testing/seed.ts';
import { isZero, type Run, zeroRuns } from './zero-runs.ts';

/** One answer per byte: blocks that are all zero, then short rows of them between data made data again. */
function plainly(bytes: Uint8Array, at: number, least: number): Run[] {
  let block = 1;
  while (block * 2 <= least) block *= 2;
  const empty = Array.from({ length: bytes.length / 512 }, (_, i) =>
    bytes.subarray(i * 512, i * 512 + 512).every((byte) => byte === 0),
  );
  const blockOf = (sector: number): number => Math.floor((at + sector * 512) / block);
  const used = new Set(empty.flatMap((one, sector) => (one ? [] : [blockOf(sector)])));
  const zero = empty.map((_, sector) => !used.has(blockOf(sector)));
  const result: { from: number; to: number; zero: boolean }[] = [];
  for (const [i, one] of zero.entries()) {
    const last = result.at(-1);
    if (last?.zero === one) last.to += 512;
    else result.push({ from: i * 512, to: i * 512 + 512, zero: one });
  }
  const joined: typeof result = [];
  for (const [i, run] of result.entries()) {
    const inner = i > 0 && i < result.length - 1;
    const kind = run.zero && !(inner && run.to - run.from < least);
    const last = joined.at(-1);
    if (last && last.zero === kind) last.to = run.to;
    else joined.push({ ...run, zero: kind });
  }
  return joined;
}

test('zeros are where the rules say', () => {
  const random = new Random(seed);
  for (let run = 0; run < runs(150); run++) {
    const sectors = random.between(1, 600);
    const bytes = new Uint8Array(sectors * 512);
    for (let at = 0; at < sectors; ) {
      const count = random.pick([1, 2, 7, 8, 9, 100, 300]);
      if (random.once(2)) bytes[Math.min(at + random.below(count), sectors - 1) * 512 + random.below(512)] = 1;
      at += count;
    }
    const at = random.below(5000) * 512;
    const least = 512 * random.pick([1, 2, 3, 8, 10, 24, 128, 200, 2048]);
    expect([...zeroRuns(bytes, at, { least })], `at ${at}, least ${least}`).toEqual(plainly(bytes, at, least));
  }
});

test('nothing is left out where nothing is worth it', () => {
  expect([...zeroRuns(new Uint8Array(4096), 0, { least: 0 })]).toEqual([{ from: 0, to: 4096, zero: false }]);
});

test('every byte counts', () => {
  const bytes = new Uint8Array(1024);
  expect(isZero(bytes, 0, 1024)).toBe(true);
  for (let i = 0; i < bytes.length; i++) {
    bytes[i] = i % 2 ? 0x80 : 1;
    expect(isZero(bytes, 0, 1024)).toBe(false);
    bytes[i] = 0;
  }
});
