/** What the forms ask for, and what stands in the way. */
import { expect, test } from 'vitest';
import { offersBut, planOf, reportOf } from '../../testing/fake-inspector.ts';
import { amendForm, amendProblems } from './amend-form.tsx';
import { backingForm } from './backing-form.tsx';
import { compactForm } from './compact-form.tsx';
import { nextSteps } from './next-steps.ts';
import { renameWord } from './rename-word.ts';
import { repairWords } from './repair-form.tsx';
import { largerSizes, resizeForm } from './resize-form.tsx';
import { lengthDifference } from './result-panel.tsx';
import { snapshotsForm } from './snapshots-form.tsx';

const GiB = 2 ** 30;
const report = reportOf();
const snapshot = { id: '1', name: 'before', seconds: 0, nanoseconds: 0, vmStateSize: 0n, clock: 0n };
const withSnapshot = reportOf({ snapshots: [snapshot] });

test('resize: larger as typed, smaller only after a yes, never the same or no size', () => {
  const draft = { size: '64G', preallocation: 'metadata', sure: false } as const;
  expect(resizeForm.wanted(draft, report)).toEqual({
    change: { kind: 'resize', size: 64 * GiB, preallocation: 'metadata' },
  });
  expect(resizeForm.wanted({ ...draft, preallocation: 'off' }, report).change).toEqual({
    kind: 'resize',
    size: 64 * GiB,
  });
  expect(resizeForm.wanted({ ...draft, size: '40G' }, report)).toMatchObject({ button: 'Type another size' });
  expect(resizeForm.wanted({ ...draft, size: undefined }, report)).toMatchObject({ missing: 'The disk needs a size.' });
  expect(resizeForm.wanted({ ...draft, size: 'much' }, report)).toMatchObject({ button: 'Settle the size' });
  expect(resizeForm.wanted({ ...draft, size: '8E' }, report)).toMatchObject({ button: 'Settle the size' });
  expect(resizeForm.wanted({ ...draft, size: '8G' }, report)).toMatchObject({ button: 'Confirm the smaller disk' });
  // What is laid out now is about the part that is new.
  expect(resizeForm.wanted({ ...draft, size: '8G', sure: true }, report)).toEqual({
    change: { kind: 'resize', size: 8 * GiB, shrink: true },
  });
  expect(largerSizes(40 * GiB)[0]).toBe('64G');
  expect(largerSizes(2 ** 50)).toEqual([]);
});

test('amend: only what becomes different, after the rules of the declarations', () => {
  const nothing = { missing: 'Nothing is chosen that the image does not have.' };
  expect(amendForm.wanted({}, report)).toMatchObject(nothing);
  expect(amendForm.wanted({ compat: '1.1', refcount_bits: '16' }, report)).toMatchObject(nothing);
  expect(amendForm.wanted({ refcount_bits: '32', lazy_refcounts: 'on' }, report)).toEqual({
    change: { kind: 'amend', refcountBits: 32, lazyRefcounts: true },
  });
  const lazy = reportOf({ facts: { compat: '1.1', 'lazy-refcounts': true, 'refcount-bits': 16 } });
  expect(amendForm.wanted({ compat: '0.10' }, lazy)).toMatchObject({ missing: 'Lazy refcounts need compat 1.1.' });
  const [problem] = amendProblems({ compat: '0.10' }, lazy);
  expect(problem?.fixes.map(({ label }) => label)).toContain('Turn lazy refcounts off');
  expect(amendForm.wanted({ compat: '0.10', lazy_refcounts: 'off' }, lazy)).toEqual({
    change: { kind: 'amend', compat: '0.10', lazyRefcounts: false },
  });
});

test('snapshots: the very one that is picked, by id and name', () => {
  const draft = snapshotsForm.initial({ report: withSnapshot, offers: offersBut({}), broken: false });
  expect(draft).toMatchObject({ action: 'apply', row: 0 });
  const picked = { id: '1', name: 'before' };
  expect(snapshotsForm.wanted(draft, withSnapshot)).toEqual({ change: { kind: 'snapshot-apply', snapshot: picked } });
  expect(snapshotsForm.wanted({ ...draft, action: 'extract', format: 'raw' }, withSnapshot)).toEqual({
    change: { kind: 'snapshot-extract', snapshot: picked, format: 'raw' },
  });
  expect(snapshotsForm.wanted({ ...draft, row: undefined }, withSnapshot)).toMatchObject({
    missing: 'Which snapshot?',
  });
  expect(snapshotsForm.wanted({ ...draft, action: 'create' }, report)).toMatchObject({ at: 'snapshot-name' });
  expect(snapshotsForm.wanted({ ...draft, action: 'create', name: 'é'.repeat(128) }, report)).toMatchObject({
    missing: 'The name is longer than 255 bytes.',
  });
});

test('backing file: a file for the safe way, a name and a format for the other', () => {
  const draft = {
    way: 'safe',
    name: '',
    backingFormat: '',
    files: [],
    format: 'qcow2',
    compressed: 'keep',
  } as const;
  expect(backingForm.wanted(draft, report)).toMatchObject({ at: 'backing-choose' });
  const file = new File(['x'], 'base.img');
  const named = { ...draft, files: [file], name: 'base.img', backingFormat: 'raw' };
  expect(backingForm.wanted(named, report)).toEqual({
    change: { kind: 'rebase', mode: 'safe', backing: { name: 'base.img', format: 'raw' }, files: [{ file }] },
  });
  expect(backingForm.wanted({ ...named, way: 'name' }, report).change).toMatchObject({ mode: 'unsafe' });
  expect(backingForm.wanted({ ...named, way: 'name', backingFormat: ' ' }, report)).toMatchObject({
    missing: 'Its format is not said.',
  });
  expect(backingForm.wanted({ ...draft, way: 'none' }, report)).toEqual({ change: { kind: 'rebase', mode: 'safe' } });
  expect(backingForm.wanted({ ...draft, way: 'flatten', format: 'raw' }, report)).toEqual({
    change: { kind: 'flatten', format: 'raw' },
  });
});

test('compact: snapshots go only when that is said, bitmaps are asked about where there are some', () => {
  const draft = { compressed: 'keep', bitmaps: 'drop', dropSnapshots: false } as const;
  expect(compactForm.wanted(draft, report)).toEqual({ change: { kind: 'compact', compressed: 'keep' } });
  expect(compactForm.wanted(draft, withSnapshot)).toMatchObject({ missing: '1 snapshot would be left behind.' });
  const both = reportOf({ snapshots: [snapshot], facts: { bitmaps: [{ name: 'b' }] } });
  expect(compactForm.wanted({ ...draft, dropSnapshots: true }, both)).toEqual({
    change: { kind: 'compact', compressed: 'keep', dropSnapshots: true, bitmaps: 'drop' },
  });
});

test('what a repair does is told from what was found, repaired and left', () => {
  const found = {
    corruptions: 0,
    leaks: 0,
    failures: 0,
    totalClusters: 1,
    allocatedClusters: 1,
    fragmentedClusters: 0,
    compressedClusters: 0,
    imageEndOffset: 0,
    findings: [],
    moreFindings: 0,
  };
  const repair = { found, corruptionsFixed: 0, leaksFixed: 0 };
  expect(repairWords(repair)).toMatchObject({ tone: 'ok', title: 'Nothing is wrong' });
  expect(repairWords({ ...repair, leaksFixed: 3, again: found })).toMatchObject({
    tone: 'ok',
    title: '3 leaked clusters repaired',
  });
  expect(repairWords({ ...repair, leaksFixed: 1, again: { ...found, corruptions: 2 } })).toMatchObject({
    tone: 'bad',
    text: expect.stringMatching(/^2 errors left, 1 leaked cluster repaired\. What is lost/),
  });
  expect(repairWords({ ...repair, found: { ...found, leaks: 2 }, refused: 'A count is too low.' })).toMatchObject({
    tone: 'bad',
    text: 'A count is too low.',
  });
});

test('a typed name takes the place of the proposed one, as one word of the command', () => {
  expect(renameWord('cp a.img a-new.img', 'a-new.img', 'my disk.img')).toBe("cp a.img 'my disk.img'");
  expect(renameWord("cp 'x y.img' 'x y-new.img'", 'x y-new.img', 'z.img')).toBe("cp 'x y.img' z.img");
  expect(renameWord('cp a.img a-new.img.bak', 'a-new.img', 'b.img')).toBe('cp a.img a-new.img.bak');
});

test('lengths and next steps in words', () => {
  expect(lengthDifference(GiB, GiB)).toBe('As long as now');
  expect(lengthDifference(GiB, GiB / 2)).toBe('512 MiB shorter, 50\u00a0%');
  expect(lengthDifference(2 ** 20, 3 * 2 ** 20)).toBe('2 MiB longer, 200\u00a0%');
  const names = { original: 'a.qcow2', saved: 'b c.qcow2' };
  const { before } = planOf();
  const grown = nextSteps({ kind: 'resize', size: 64 * GiB }, names, before.virtualSize);
  expect(grown.map(({ command }) => command)).toEqual([
    'sudo growpart /dev/vda 1 && sudo resize2fs /dev/vda1',
    "mv 'b c.qcow2' a.qcow2",
  ]);
  expect(nextSteps({ kind: 'resize', size: GiB }, names, before.virtualSize)[0]?.command).toContain('sgdisk');
  const picked = { id: '1', name: 'x' };
  expect(nextSteps({ kind: 'snapshot-extract', snapshot: picked, format: 'raw' }, names, undefined)).toHaveLength(1);
});
