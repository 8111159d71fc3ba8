import fc from 'fast-check';
import { expect, test } from 'vitest';
import { quoteWord, splitWords } from './shell-words.ts';

const words = (source: string) => {
  const split = splitWords(source);
  return split.ok ? split.words.map((word) => word.text) : split.message;
};

test.each([
  ['a  b\tc', ['a', 'b', 'c']],
  [`'a b' "c d" e\\ f`, ['a b', 'c d', 'e f']],
  [`"say \\"hi\\" \\n"`, ['say "hi" \\n']],
  [`x='y z',w="1"`, ['x=y z,w=1']],
  ['one \\\n  two', ['one', 'two']],
  ["''", ['']],
  ['', []],
])('splits %j', (source, expected) => {
  expect(words(source)).toEqual(expected);
});

test.each([
  ["'open", /never closed/],
  ['end\\', /backslash/],
  ['$HOME/x', /act on \$/],
  ['a; b', /act on ;/],
  ['x > y', /act on >/],
])('refuses %j', (source, message) => {
  expect(words(source)).toMatch(message);
});

test('a word keeps its place in the source', () => {
  expect(splitWords(` 'a b' c`)).toEqual({
    ok: true,
    words: [
      { text: 'a b', start: 1, end: 6 },
      { text: 'c', start: 7, end: 8 },
    ],
  });
});

test('what is quoted splits into the same words', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary' })), (list) => {
      expect(words(list.map(quoteWord).join(' '))).toEqual(list);
    }),
  );
});
