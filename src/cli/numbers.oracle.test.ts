/** Numbers that lie exactly between two texts, against the C library's printf as the shell has it. */
import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { sizeText } from './io-commands/print.ts';
import { fixed, humanSize, twoDecimals } from './numbers.ts';

/** Every 32nd from 0 to 12, and some between the larger steps: ties of one to four places are among them. */
const values = [
  ...Array.from({ length: 384 }, (_, i) => i / 32),
  ...[12.25, 99.75, 99.875, 100.5, 101.5, 511.0625, 998.5, 999.25, 999.4375],
];

const printf = (format: string): string[] =>
  execFileSync('printf', [`${format}\\n`, ...values.map(String)], { env: { LC_ALL: 'C' }, encoding: 'utf8' })
    .trimEnd()
    .split('\n');

test.each([0, 1, 2, 3, 4])('%i places, rounded as printf rounds', (places) => {
  expect(values.map((value) => fixed(value, places))).toEqual(printf(`%.${places}f`));
});

test('sizes between two texts', () => {
  const mebibytes = values.map((value) => value * 1024 ** 2);
  const large = values.map((value) => value >= 1);
  const only = (_: string, i: number): boolean => large[i] === true;
  expect(mebibytes.map(humanSize).filter(only)).toEqual(
    printf('%.3g')
      .map((text) => `${text} MiB`)
      .filter(only),
  );
  expect(mebibytes.map(sizeText).filter(only)).toEqual(
    printf('%.3f')
      .map((text) => `${text.replace(/\.000$/, '')} MiB`)
      .filter(only),
  );
  expect(values.map(twoDecimals)).toEqual(printf('%.2f'));
});

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '0.977 KiB'],
  [1023 * 1024, '0.999 MiB'],
  [999.5 * 1024, '1e+03 KiB'],
  [2 ** 63, '8 EiB'],
])('%d bytes for people: %s', (bytes, text) => {
  expect(humanSize(bytes)).toBe(text);
});
