import { describe, expect, test } from 'vitest';
import { readFlags } from './flags.ts';

const table = {
  format: { short: 'f', value: 'format', help: '' },
  quiet: { short: 'q', help: '' },
  output: { long: 'output', value: 'how', help: '' },
  object: { long: 'object', value: 'what', help: '' },
  help: { short: 'h', long: 'help', help: '' },
} as const;

/** `format=raw quiet x` for what was read, `!` before a mistake. */
function read(line: string): string {
  const seen = [...readFlags(table, line === '' ? [] : line.split(' '))].map((event) => {
    if (event.kind === 'mistake') return `!${event.message}`;
    if (event.kind === 'positional') return event.value;
    return event.value === '' ? event.name : `${event.name}=${event.value}`;
  });
  return seen.join(' ');
}

describe('flags as getopt_long reads them', () => {
  test.each([
    ['', ''],
    ['a b', 'a b'],
    ['-f raw a', 'format=raw a'],
    ['a -f raw b', 'format=raw a b'],
    ['-fraw', 'format=raw'],
    ['-qf raw', 'quiet format=raw'],
    ['-qfraw', 'quiet format=raw'],
    ['-fq', 'format=q'],
    ['-f -q', 'format=-q'],
    ['-f --', 'format=--'],
    ['-- -q', '-q'],
    ['a -- -q b', 'a -q b'],
    ['-', '-'],
    ['--output json', 'output=json'],
    ['--output=json', 'output=json'],
    ['--output=', 'output'],
    ['--ou json', 'output=json'],
    ['--output -- x', 'output=-- x'],
    ['--he', 'help'],
    ['-q -q', 'quiet quiet'],
  ])('%s', (line, wanted) => expect(read(line)).toBe(wanted));

  test.each([
    ['-f', '!-f needs a value: format'],
    ['-z', '!there is no flag -z'],
    ['-qz', 'quiet !there is no flag -z'],
    ['--nothing', '!there is no flag --nothing'],
    ['--output', '!--output needs a value: how'],
    ['--o=json', '!--o could be --output or --object'],
    ['--help=1', '!--help takes no value'],
  ])('%s is a mistake', (line, wanted) => expect(read(line)).toBe(wanted));
});
