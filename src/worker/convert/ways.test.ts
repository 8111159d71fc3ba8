/** Which ways a conversion has in a browser, best first, and what they cost. */
import { expect, test } from 'vitest';
import type { Capabilities } from '../../platform/browser/deliver/choose.ts';
import type { ConvertOrder, MeasuredConversion } from './protocol.ts';
import { withWays } from './ways.ts';

const GiB = 1024 ** 3;
const all: Capabilities = { secure: true, picker: true, serviceWorker: true, opfs: true, windows: false };
const order: ConvertOrder = { sources: [], format: 'qcow2', texts: {}, fileName: 'a' };
const measured = (length: number): MeasuredConversion => ({
  virtualSize: length,
  dataBytes: length,
  length,
  exact: false,
  largest: length,
  warnings: [],
});
const waysOf = (more: Partial<ConvertOrder>, length: number, can: Partial<Capabilities> = {}) =>
  withWays({ ...order, ...more }, measured(length), { ...all, ...can }).ways.map(
    ({ sink, passes }) => `${sink} ${passes}`,
  );

test('the chain of sinks, with what each costs', () => {
  expect(waysOf({}, 1000)).toEqual(['blob one', 'picked one', 'stream two', 'opfs one']);
  expect(waysOf({}, GiB)).toEqual(['picked one', 'stream two', 'opfs one']);
  expect(waysOf({ format: 'raw' }, GiB)).toEqual(['picked one', 'stream one', 'opfs one']);
  expect(waysOf({ compress: { level: 6 } }, GiB)).toEqual(['picked one', 'opfs one', 'stream staged']);
  expect(waysOf({ compress: { level: 6 } }, GiB, { opfs: false })).toEqual(['picked one', 'stream packed-twice']);
  expect(waysOf({ sink: 'stream' }, GiB)).toEqual(['stream two']);
});

test('nothing can save it: the reason', () => {
  const nothing = withWays(order, measured(GiB), { ...all, picker: false, serviceWorker: false, opfs: false });
  expect(nothing.ways).toEqual([]);
  expect(nothing.refused).toMatch(/64 MiB/);
  expect(withWays({ ...order, sink: 'blob' }, measured(GiB), all).refused).toMatch(/1 GiB/);
});

test('every way tells its price in words', () => {
  for (const compress of [undefined, { level: 6 }]) {
    for (const can of [all, { ...all, opfs: false }, { ...all, windows: true }]) {
      const wish = compress ? { ...order, compress } : order;
      for (const { note } of withWays(wish, measured(1000), can).ways) expect(note).toMatch(/^[A-Z].*\.$/);
    }
  }
});
