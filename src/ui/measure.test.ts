import { expect, test } from 'vitest';
import { isForeign } from './frame/requests.ts';
import { exactBytes, formatMilliseconds, formatPercent, formatSeconds } from './measure.tsx';

test('durations', () => {
  expect([0, 3.4, 60, 125, 3600, 4800].map(formatSeconds)).toEqual([
    '0 s',
    '3 s',
    '1 min',
    '2 min 5 s',
    '1 h',
    '1 h 20 min',
  ]);
  expect([0.2, 38, 1440, 125_000].map(formatMilliseconds)).toEqual(['1 ms', '38 ms', '1.4 s', '2 min 5 s']);
});

test('shares and bytes', () => {
  expect([0, 0.000158, 0.0234, 0.41].map(formatPercent)).toEqual(['0', '0.016', '2.3', '41']);
  expect([1, 1024].map(exactBytes)).toEqual(['1 byte', '1,024 bytes']);
});

test('only the network to another place counts as foreign', () => {
  const here = 'http://localhost:4173';
  expect(isForeign('https://example.org/x', here)).toBe(true);
  expect(isForeign(`${here}/assets/a.js`, here)).toBe(false);
  expect(isForeign(`blob:${here}/1234`, here)).toBe(false);
  expect(isForeign('data:text/plain,x', here)).toBe(false);
});
