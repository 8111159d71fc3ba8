/** The page of deliberate differences: each row names a test, and that test is there. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

const page = readFileSync('docs/differences.md', 'utf8');
/** Rows of the tables, without their heads. */
const rows = page
  .split('\n')
  .filter((line) => line.startsWith('|') && !/^\|[-|]+\|$/.test(line) && !line.startsWith('| Where |'))
  .map((line) => line.slice(1, -1).split(' | '));

describe('docs/differences.md', () => {
  test('has rows', () => {
    expect(rows.length).toBeGreaterThan(5);
  });

  test.each(rows.map((cells) => [cells[0]?.trim() ?? '', cells] as const))('%s', (_, cells) => {
    expect(cells.length).toBe(4);
    const named = /^`(src\/[\w./-]+\.test\.tsx?)`: "(.+)"$/.exec(cells[3]?.trim() ?? '');
    expect(named, 'the last cell is `file`: "title"').not.toBe(null);
    const [, file = '', title = ''] = named ?? [];
    expect(existsSync(file), file).toBe(true);
    // Titles stand in the source as they are printed, apart from quotes that the language escapes.
    expect(readFileSync(file, 'utf8').replaceAll("\\'", "'"), file).toContain(title);
  });

  test('the README points to it', () => {
    expect(readdirSync('.')).toContain('README.md');
    expect(readFileSync('README.md', 'utf8')).toContain('docs/differences.md');
  });
});
