import { expect, test } from 'vitest';
import { guidesFor, type Saved } from './use-it.ts';

const commands = (saved: Partial<Saved>, program: string): string =>
  (
    guidesFor({ file: 'disk.qcow2', format: 'qcow2', gzip: false, ...saved }).find((one) => one.program === program)
      ?.steps ?? []
  )
    .map((step) => step.command ?? step.text)
    .join('\n');

test('names are quoted for the shell, and commas doubled where QEMU splits at them', () => {
  const name = "it's, mine.qcow2";
  expect(commands({ file: name }, 'QEMU')).toContain("-drive 'file=it'\\''s,, mine.qcow2,format=qcow2,if=virtio'");
  expect(commands({ file: '-x.img', format: 'raw' }, 'Proxmox')).toContain('import 100 ./-x.img ');
});

test('compressed files are unpacked first, in every program', () => {
  for (const { steps } of guidesFor({ file: 'd.img.gz', format: 'raw', gzip: true })) {
    expect(steps[0]?.command).toBe('gunzip d.img.gz');
  }
  const both = commands({ file: 'd.qcow2.gz', gzip: true, dataFile: { file: 'd.raw.gz', stored: 'd.raw' } }, 'QEMU');
  expect(both).toContain('gunzip d.qcow2.gz\ngunzip d.raw.gz');
  expect(both).toContain('file=d.qcow2,');
  expect(both).not.toContain('mv ');
});

test('a compressed file that was saved without .gz', () => {
  const steps = commands({ file: 'd.img', format: 'raw', gzip: true }, 'QEMU');
  expect(steps).toContain('gunzip -c < d.img > unpacked-d.img');
  expect(steps).toContain('file=unpacked-d.img,format=raw');
});

test('with a data file: one folder for QEMU, one file where QEMU is started elsewhere', () => {
  const dataFile = { file: 'd.raw', stored: 'd.raw' };
  expect(commands({ dataFile }, 'QEMU')).toContain('QEMU looks for d.raw where it is started');
  expect(commands({ dataFile }, 'virt-manager')).toContain('convert -f qcow2 -O qcow2 disk.qcow2 single-disk.qcow2');
  expect(commands({ dataFile: { file: 'd.raw', stored: 'vms/d.raw' } }, 'QEMU')).toContain('mv d.raw vms/d.raw');
});

test('with a backing file: it moves along, or is merged where one file is taken', () => {
  const below = { backingFile: 'base.qcow2' };
  expect(commands(below, 'QEMU')).toContain("counts from the image's folder");
  expect(commands(below, 'virt-manager')).not.toContain('convert');
  const guide = guidesFor({ file: 'disk.qcow2', format: 'qcow2', gzip: false, ...below });
  const texts = (program: string) => guide.find((one) => one.program === program)?.steps.map((step) => step.text);
  expect(texts('virt-manager')).toContain('Move the file into the default storage pool, and base.qcow2 with it.');
  expect(commands(below, 'UTM')).toContain('convert -f qcow2 -O qcow2 disk.qcow2 single-disk.qcow2');
  expect(commands(below, 'UTM')).toContain('pick single-disk.qcow2');
  const absolute = commands({ backingFile: '/images/base.qcow2' }, 'QEMU');
  expect(absolute).toContain('Put the backing file /images/base.qcow2 there.');
  expect(absolute).not.toContain('folder');
});
