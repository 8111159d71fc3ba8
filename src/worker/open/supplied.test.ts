import { expect, test } from 'vitest';
import type { SuppliedFile } from './protocol.ts';
import { findSupplied, neverAFile, topOf } from './supplied.ts';

const supplied = (name: string, as?: string): SuppliedFile => ({
  file: new File([], name),
  ...(as === undefined ? {} : { as }),
});

test('a name inside an image picks a file by the last part of its path, and nothing else', () => {
  const files = [supplied('Base.img'), supplied('other.img', '/x/base.qcow2')];
  const find = (name: string) => findSupplied(files, new Set(), name)?.file.name;
  expect(find('/var/lib/base.img')).toBe('Base.img');
  expect(find('C:\\images\\Base.img')).toBe('Base.img');
  expect(find('/x/base.qcow2')).toBe('other.img');
  expect(find('other.img')).toBe(undefined);
  expect(findSupplied(files, new Set(files.map(({ file }) => file)), 'Base.img')).toBe(undefined);
});

test('the image is the one that no other refers to', () => {
  const [base, middle, top, lone] = ['base', 'middle', 'top', 'lone'].map((name) => supplied(name)) as [
    SuppliedFile,
    SuppliedFile,
    SuppliedFile,
    SuppliedFile,
  ];
  const all = [
    { supplied: lone, names: [] },
    { supplied: base, names: [] },
    { supplied: middle, names: ['/a/base'] },
    { supplied: top, names: ['middle'] },
  ];
  expect(topOf(all)?.supplied).toBe(top);
  // Two that refer to each other: some of them.
  expect(
    topOf([
      { supplied: base, names: ['top'] },
      { supplied: top, names: ['base'] },
    ])?.supplied,
  ).toBe(base);
  expect(topOf([])).toBe(undefined);
});

test('what no file can be', () => {
  expect(neverAFile('json:{"driver":"nbd"}')).toMatch(/JSON/);
  expect(neverAFile('nbd://host/x')).toMatch(/nbd/);
  expect(neverAFile('file:/a/b')).toBe(undefined);
  expect(neverAFile('C:\\a\\b')).toBe(undefined);
  expect(neverAFile('../base.img')).toBe(undefined);
});
