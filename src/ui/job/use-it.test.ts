import { expect, test } from 'vitest';
import { guidesFor, type Saved } from './use-it.ts';

const commands = (saved: Partial<Saved>, program: string): string =>
  (
    guidesFor({ file: 'disk.qcow2', image: 'disk.qcow2', format: 'qcow2', ...saved }).find(
      (one) => one.program === program,
    )?.steps ?? []
  )
    .map((step) => step.command ?? step.text)
    .join('\n');

test('names are quoted for the shell, and commas doubled where QEMU splits at them', () => {
  const name = "it's, mine.qcow2";
  expect(commands({ file: name, image: name }, 'QEMU')).toContain(
    "-drive 'file=it'\\''s,, mine.qcow2,format=qcow2,if=virtio'",
  );
  expect(commands({ file: '-x.img', image: '-x.img', format: 'raw' }, 'Proxmox')).toContain('import 100 ./-x.img ');
});

test('a compressed file is unpacked first, in every program', () => {
  for (const { steps } of guidesFor({ file: 'd.img.gz', image: 'd.img', format: 'raw' })) {
    expect(steps[0]?.command).toBe('gunzip d.img.gz');
  }
});

test('with a data file: one folder for QEMU, one file where QEMU is started elsewhere', () => {
  const dataFile = { file: 'd.raw', stored: 'd.raw' };
  expect(commands({ dataFile }, 'QEMU')).toContain('QEMU looks for d.raw where it is started');
  expect(commands({ dataFile }, 'virt-manager')).toContain('convert -f qcow2 -O qcow2 disk.qcow2 single-disk.qcow2');
  expect(commands({ dataFile: { file: 'd.raw', stored: 'vms/d.raw' } }, 'QEMU')).toContain('mv d.raw vms/d.raw');
});
