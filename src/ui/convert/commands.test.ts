import { expect, test } from 'vitest';
import type { SnapshotFacts } from '../../engine/image/description.ts';
import { type Conversion, convertCommand } from './commands.ts';

const snapshot = (id: string, name: string): SnapshotFacts => ({
  id,
  name,
  vmStateSize: 0n,
  seconds: 0,
  nanoseconds: 0,
  clock: 0n,
});

const command = (more: Partial<Conversion>): string =>
  convertCommand('qemu-img', {
    source: 'disk.raw',
    sourceFormat: 'raw',
    format: 'qcow2',
    texts: {},
    compress: false,
    snapshots: [],
    fileName: 'disk.qcow2',
    ...more,
  });

test('formats are always named: nobody has to guess', () => {
  expect(command({})).toBe('qemu-img convert -f raw -O qcow2 disk.raw disk.qcow2');
  expect(command({ compress: true, texts: { cluster_size: '1M', compat: '0.10' } })).toBe(
    'qemu-img convert -f raw -O qcow2 -c -o cluster_size=1M,compat=0.10 disk.raw disk.qcow2',
  );
});

test('a backing file has flags of its own; names are quoted', () => {
  expect(
    command({ source: "it's.raw", fileName: '-x.qcow2', texts: { backing_file: 'b.qcow2', backing_fmt: 'qcow2' } }),
  ).toBe("qemu-img convert -f raw -O qcow2 -B b.qcow2 -F qcow2 'it'\\''s.raw' ./-x.qcow2");
});

test('a snapshot is named in a way that means no other', () => {
  const [one, two] = [snapshot('1', 'clean'), snapshot('2', '1')];
  expect(command({ snapshot: one, snapshots: [one, two] })).toContain('-l clean ');
  // Its name is the id of the other one.
  expect(command({ snapshot: two, snapshots: [one, two] })).toContain('-l snapshot.id=2,snapshot.name=1 ');
  const twin = snapshot('3', 'clean');
  expect(command({ snapshot: twin, snapshots: [one, twin] })).toContain('-l snapshot.id=3,snapshot.name=clean ');
});
