import { expect, it } from 'vitest';
import { bitsOf, strengthOf } from './passphrase-strength.ts';

it.each([
  ['', 0],
  ['password', 0],
  ['Password1', 0],
  ['aaaaaaaaaaaaaaaa', 0],
  ['abcdefghijklmnop', 0],
  ['12345678901234', 0],
  ['horse battery', 0],
  ['k7Pw2q', 0],
  ['k7Pw2qXv', 1],
  ['correct horse battery staple', 1],
  ['k7Pw2qXv9mZt', 2],
  ['oak river candle seven marble', 2],
  ['oak river candle seven marble tulip frozen', 3],
  ['k7Pw2qXv9mZtB4rC', 3],
] as const)('%j is of level %i', (passphrase, level) => {
  expect(strengthOf(passphrase).level).toBe(level);
});

it('more never makes it weaker, for random letters', () => {
  const letters = 'qmzptvkxwbghd';
  for (let length = 1; length <= letters.length; length++) {
    expect(bitsOf(letters.slice(0, length))).toBeGreaterThan(bitsOf(letters.slice(0, length - 1)));
  }
});
