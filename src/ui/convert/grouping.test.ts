import { expect, test } from 'vitest';
import { groupsOf, type Named } from './grouping.ts';

const named = (name: string, ...names: string[]): Named => ({ supplied: { file: new File([], name) }, names });
const grouped = (...all: Named[]): string[][] => groupsOf(all).map((group) => group.map(({ file }) => file.name));

test('images that name nothing stand alone', () => {
  expect(grouped(named('a.raw'), named('b.qcow2'))).toEqual([['a.raw'], ['b.qcow2']]);
});

test('a chain is one image, whatever the order and wherever the image looks for its files', () => {
  const chain = [named('base.raw'), named('top.qcow2', '/vms/Mid.qcow2'), named('mid.qcow2', 'base.raw')];
  expect(grouped(...chain)).toEqual([['top.qcow2', 'mid.qcow2', 'base.raw']]);
  expect(grouped(named('disk.qcow2', 'disk.raw'), named('disk.raw'))).toEqual([['disk.qcow2', 'disk.raw']]);
});

test('what two images rest on goes with both', () => {
  const all = [named('a.qcow2', 'base.qcow2'), named('b.qcow2', 'base.qcow2'), named('base.qcow2')];
  expect(grouped(...all)).toEqual([
    ['a.qcow2', 'base.qcow2'],
    ['b.qcow2', 'base.qcow2'],
  ]);
});

test('a file that is not here leaves its image alone; a circle is kept together for the engine to refuse', () => {
  expect(grouped(named('top.qcow2', 'gone.qcow2'), named('other.raw'))).toEqual([['top.qcow2'], ['other.raw']]);
  expect(grouped(named('a.qcow2', 'b.qcow2'), named('b.qcow2', 'a.qcow2'))).toEqual([['a.qcow2', 'b.qcow2']]);
  expect(grouped(named('own.qcow2', 'own.qcow2'))).toEqual([['own.qcow2']]);
});
