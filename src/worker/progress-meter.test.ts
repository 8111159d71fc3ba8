import { expect, test } from 'vitest';
import type { SaveProgress } from './engine-client.ts';
import { ProgressMeter } from './progress-meter.ts';

test('rate over the last seconds, time left, ten reports a second', () => {
  let now = 0;
  const told: SaveProgress[] = [];
  const meter = new ProgressMeter(
    (progress) => told.push(progress),
    () => now,
  );
  meter.begin('Writing the file', 'a.img', 0, 10_000);
  for (; now < 6000; now += 10) meter.update(now, 10_000);
  expect(told.length).toBeLessThanOrEqual(62);
  expect(told[0]).toEqual({ phase: 'Writing the file', fileName: 'a.img', done: 0, total: 10_000, rate: 0 });
  const last = told.at(-1);
  expect(last?.rate).toBeCloseTo(1000, 0);
  expect(last?.eta).toBeCloseTo((10_000 - (last?.done ?? 0)) / 1000, 1);
  meter.begin('The browser is finishing the file', 'a.img', 10_000, 10_000);
  expect(told.at(-1)).toMatchObject({ rate: 0, done: 10_000 });
});
