import { expect, test } from 'vitest';
import { inOrder } from '../../engine/options/declare.ts';
import { foldSummary, groupsOf } from './groups.ts';
import { creatable, readForm } from './reading.ts';

test.each(creatable.map((format) => format.name))('the form of %s shows every option once', (name) => {
  const { set } = readForm({ format: name, name: 'x', texts: {}, flags: [] });
  const shown = groupsOf(set).flatMap((group) => [...group.options, ...group.folds.flatMap((fold) => fold.options)]);
  expect(shown.map((option) => option.qemu).sort()).toEqual(
    inOrder(set)
      .map((option) => option.qemu)
      .sort(),
  );
});

test('a folded group states its values, or that it holds none', () => {
  const { set } = readForm({ format: 'qcow2', name: 'x', texts: {}, flags: [] });
  const folds = groupsOf(set).flatMap((group) => group.folds);
  const summary = (name: string, texts: Record<string, string>, none?: string) => {
    const fold = folds.find((one) => one.name === name);
    return fold && foldSummary(fold, texts, none);
  };
  expect(summary('advanced', { lazy_refcounts: 'on', compression_type: 'zstd' })).toBe(
    'Refcount bits 16 · Lazy refcounts on · Extended L2 off · zstd',
  );
  expect(summary('backing', {}, 'None')).toBe('None');
  expect(summary('backing', { backing_file: 'base', backing_fmt: 'raw' }, 'None')).toBe('base · raw');
});
