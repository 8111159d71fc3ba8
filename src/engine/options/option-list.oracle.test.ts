/**
 * The `-o` grammar against the installed tool. What it understood is read back from its summary line, which
 * prints names as texts with their commas doubled.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { qemuImg } from '../../testing/oracle/qemu-tools.ts';
import { withTempDir } from '../../testing/oracle/temp-dir.ts';
import { runs } from '../../testing/seed.ts';
import { qcow2Options } from '../formats/qcow2/options.ts';
import type { OptionTexts } from './declare.ts';
import { parseOptionList, printOptionList } from './option-list.ts';
import { readOptions } from './read.ts';
import { summaryLine } from './summary.ts';

/** The tool's line for a list; undefined if it refuses the list before it prints one. */
function lineByTool(list: string): string | undefined {
  return withTempDir((dir) => {
    // Cluster size 3 keeps it from building: refused right after the line.
    const args = ['create', '-u', '-f', 'qcow2', '-o', 'size=0,cluster_size=3,data_file=d', '-o', list, 'x'];
    const { stdout } = qemuImg(args, { cwd: dir });
    rmSync(join(dir, 'x'), { force: true });
    return stdout === '' ? undefined : stdout.replace(/\n$/, '');
  });
}

function lineByUs(list: string): string | undefined {
  const texts = parseOptionList(list);
  if (texts === undefined) return undefined;
  const all: OptionTexts = { size: '0', cluster_size: '3', data_file: 'd', ...texts };
  if (readOptions(qcow2Options, all).problems.some((problem) => problem.stage === 'syntax')) return undefined;
  return summaryLine('x', 'qcow2', qcow2Options, all);
}

const lists = [
  ...[
    '',
    ',',
    ',,',
    ',,,',
    'lazy_refcounts',
    'nolazy_refcounts',
    'nonocow',
    'nocow',
    'lazy_refcounts=',
    'lazy_refcounts=on,',
  ],
  ...[
    ',lazy_refcounts=on',
    'lazy_refcounts=on,,',
    ',,lazy_refcounts=on',
    'data_file=a,,b',
    'data_file=a,,',
    'data_file=,,a',
  ],
  ...[
    'data_file=a,,,lazy_refcounts=on',
    'data_file=a,,,,b',
    'data_file==',
    'data_file=a=b',
    'data_file',
    'nodata_file',
    'id=x',
  ],
  ...[
    'id',
    'noid',
    'id=',
    'lazy_refcounts=on,lazy_refcounts=off',
    'lazy_refcounts=off,lazy_refcounts',
    'foo=bar',
    'foo',
    '=',
  ],
  ...['=x', 'a,,b=c', 'data_file=a,id=1,lazy_refcounts=on', 'lazy_refcounts =on', ' lazy_refcounts=on', 'data_file= a'],
  ...[
    'lazy_refcounts=on,,compat=v3',
    'data_file=a,,=b',
    'data_file="a"',
    "data_file='a'",
    'data_file=a\nb',
    'help',
    '?',
    'lazy_refcounts,nocow',
  ],
];

describe('lists of a table', () => {
  test.each(lists.map((list) => [JSON.stringify(list), list]))('%s', (_shown, list) => {
    if (list === 'help' || list === '?') return;
    expect(lineByUs(list)).toBe(lineByTool(list));
  });
});

test('random lists', () => {
  const piece = fc.constantFrom(
    ...[
      ',',
      ',,',
      '=',
      'a',
      'no',
      'on',
      'id',
      'x,y',
      'data_file',
      'data_file=',
      'lazy_refcounts',
      'compat=v2',
      'nocow',
      'off',
    ],
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      const list = pieces.join('');
      if (/(^|,)(help|\?)(,|$)/.test(list)) return;
      expect(lineByUs(list), list).toBe(lineByTool(list));
    }),
    { numRuns: runs(300) },
  );
});

test('a list that we print is read back as the same texts, by us and by the tool', () => {
  const text = fc.string({ unit: fc.constantFrom(...',=abc xö'), minLength: 1, maxLength: 10 });
  fc.assert(
    fc.property(text, fc.constantFrom('on', 'off'), (name, flag) => {
      const texts = { data_file: name, lazy_refcounts: flag };
      const list = printOptionList(texts);
      expect(parseOptionList(list)).toEqual(texts);
      expect(lineByTool(list)).toBe(lineByUs(list));
    }),
    { numRuns: runs(80) },
  );
});
