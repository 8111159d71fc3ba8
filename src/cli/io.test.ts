import { expect, test } from 'vitest';
import { DiskwrightError } from '../engine/errors.ts';
import { sayError, UsageError } from './io.ts';

function said(thrown: unknown): string {
  let text = '';
  const stderr = (more: string): void => {
    text += more;
  };
  sayError({ cwd: '/', stdout: () => {}, stderr }, thrown);
  return text;
}

test('an error is a line, its fix another', () => {
  const error = new DiskwrightError('io', 'x: gone', { fix: 'Bring it back.' });
  expect(said(error)).toBe('diskwright: x: gone\ndiskwright: fix: Bring it back.\n');
  expect(said(new UsageError('no', 'create'))).toBe('diskwright: no\ndiskwright: see: diskwright create --help\n');
});

test('a name out of an image cannot move the cursor or forge a line', () => {
  const error = new DiskwrightError('io', 'a\u001b[2J\nroot: b\u009b\u2028: gone');
  expect(said(error)).toBe('diskwright: a\\x1b[2J\\x0aroot: b\\x9b\\x2028: gone\n');
});

test('a defect keeps its stack, line by line', () => {
  expect(said(new TypeError('oops'))).toMatch(/^diskwright: this is a defect: TypeError: oops\n(diskwright: .*\n)+$/);
  expect(said('oops')).toBe('diskwright: this is a defect: oops\n');
});
