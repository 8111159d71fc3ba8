import { expect, test } from 'vitest';
import { nameTrouble, proposedName, withEnding } from './file-names.ts';

const proposed = (
  source: string,
  format: string,
  more: { compress?: boolean; snapshot?: string; taken?: string[] } = {},
) =>
  proposedName({
    source,
    format,
    compress: more.compress ?? false,
    snapshot: more.snapshot,
    taken: more.taken ?? [source],
  });

test('the name follows the source and the format', () => {
  expect(proposed('web.qcow2', 'raw')).toBe('web.img');
  expect(proposed('disk.raw', 'qcow2')).toBe('disk.qcow2');
  expect(proposed('noble', 'qcow2')).toBe('noble.qcow2');
  expect(proposed('web.qcow2', 'raw', { snapshot: 'before: a/b' })).toBe('web-before_ a-b.img');
});

test('it is never the name of a file that is read', () => {
  expect(proposed('web.qcow2', 'qcow2')).toBe('web-copy.qcow2');
  expect(proposed('web.qcow2', 'qcow2', { compress: true })).toBe('web-compressed.qcow2');
  expect(proposed('Web.QCOW2', 'qcow2')).toBe('Web-copy.qcow2');
  expect(proposed('a.qcow2', 'qcow2', { taken: ['a.qcow2', 'a-copy.qcow2'] })).toBe('a-copy-2.qcow2');
  expect(nameTrouble('WEB.qcow2', ['web.qcow2'], [])).toContain('emptied');
});

test('a typed name keeps its own ending and changes a format’s', () => {
  expect(withEnding('mine.qcow2', 'raw')).toBe('mine.img');
  expect(withEnding('mine.bin', 'raw')).toBe('mine.bin');
  expect(withEnding('mine.img', 'raw')).toBe('mine.img');
});

test('two images cannot have one name, and each has one', () => {
  expect(nameTrouble('a.img', [], ['A.img'])).toContain('Another image');
  expect(nameTrouble('..', [], [])).toBe('The new file needs a name.');
  expect(nameTrouble('a.img', ['b.img'], ['c.img'])).toBe(undefined);
});
