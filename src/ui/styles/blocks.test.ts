/**
 * Styles of places that are loaded later hold for the whole page from then on: no place may call a block by a name
 * that another one uses, or the look of a place depends on where one was before.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';

const UI = 'src/ui';
/** Places with styles of their own; what lies under one belongs to it. */
const placeOf = (file: string): string => /^(open\/change|open|convert|help)(?=\/)/.exec(file)?.[0] ?? dirname(file);

const sheets = readdirSync(UI, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.css'));

/** Blocks that a rule begins with and styles by themselves: `.way {`, `.way[inert] {`, not `.page .way {`. */
function blocksOf(css: string): Set<string> {
  const blocks = new Set<string>();
  for (const [, block = ''] of css.matchAll(/^\s*\.([a-z][a-z0-9]*(?:-[a-z0-9]+)*)\s*[,{]/gm)) blocks.add(block);
  return blocks;
}

test('no two places style a block of one name', () => {
  expect(sheets.length).toBeGreaterThan(15);
  const places = new Map<string, Set<string>>();
  for (const file of sheets) {
    for (const block of blocksOf(readFileSync(join(UI, file), 'utf8'))) {
      places.set(block, (places.get(block) ?? new Set()).add(placeOf(file)));
    }
  }
  const shared = [...places].filter(([, where]) => where.size > 1).map(([block, where]) => [block, ...where]);
  expect(shared).toEqual([]);
});
