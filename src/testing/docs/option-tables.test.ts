import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { withOptionTables } from './option-tables.ts';

test('the option tables of README.md are those of the declarations (npm run docs writes them)', () => {
  const readme = readFileSync('README.md', 'utf8');
  expect(withOptionTables(readme)).toBe(readme);
});

test('a README without the marks is an error', () => {
  expect(() => withOptionTables('# Title')).toThrow('lacks the marks');
});
