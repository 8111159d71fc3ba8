/** `dd` beside qemu-img: the same exit code and files, byte for byte; and the file that QEMU would destroy. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { diskwright, runPair } from '../../testing/oracle/command-pair.ts';
import { qemuImgOrThrow, qemuIo } from '../../testing/oracle/qemu-tools.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'diskwright-'));
  const cwd = dir;
  writeFileSync(
    join(dir, 'raw'),
    Uint8Array.from({ length: 5000 }, (_, i) => (i * 7) % 251),
  );
  writeFileSync(join(dir, 'old'), 'what was there\n');
  qemuImgOrThrow(['create', '-q', '-f', 'qcow2', 'base', '1M'], { cwd });
  qemuIo(['-c', 'write -P 5 100k 60k', 'base'], { cwd });
  qemuImgOrThrow(['create', '-q', '-f', 'qcow2', '-b', 'base', '-F', 'qcow2', 'qcow2', '1500k'], { cwd });
  qemuIo(['-c', 'write -P 6 130k 9k', '-c', 'write -P 7 1400k 100k', 'qcow2'], { cwd });
});
afterAll(() => rmSync(dir, { recursive: true }));

async function same(line: string): Promise<void> {
  const argv = line.split(' ');
  const { qemu, ours } = await runPair(argv, dir);
  expect({ status: ours.status, stdout: ours.stdout, files: ours.files }).toEqual({
    status: qemu.status,
    stdout: qemu.stdout,
    files: qemu.files,
  });
  if (qemu.stderr === '') expect(ours.stderr).toBe('');
  else expect(ours.stderr).toMatch(/^diskwright: /);
}

describe('copies', () => {
  test.each([
    'dd if=raw of=out',
    'dd -f raw if=raw of=out',
    'dd if=qcow2 of=out',
    'dd -f raw if=qcow2 of=out',
    'dd -O qcow2 if=raw of=out',
    'dd -O qcow2 if=qcow2 of=out',
    'dd -O qcow2 bs=1M if=qcow2 of=out',
    'dd -O qcow2 bs=100k if=qcow2 of=out',
    'dd -O qcow2 bs=1000 if=qcow2 of=out',
    'dd -O raw bs=64k skip=3 if=qcow2 of=out',
    'dd -O qcow2 bs=1000 count=3 if=raw of=out',
    'dd bs=1k skip=2 if=raw of=out',
    'dd bs=1k skip=2 count=3 if=raw of=out',
    'dd bs=1k skip=5 if=raw of=out',
    'dd bs=1k skip=200 if=raw of=out',
    'dd skip=9223372036854775807 if=raw of=out',
    'dd count=0 if=raw of=out',
    'dd count=9223372036854775807 if=raw of=out',
    'dd bs=1k bs=2k count=1 if=raw of=out',
    'dd if=raw if=qcow2 of=out',
    'dd -U if=raw of=out',
    'dd --image-opts if=driver=qcow2,file.filename=qcow2 of=out',
    'dd count=2 if=raw of=old',
  ])('%s', same);
});

describe('refuses, with nothing changed:', () => {
  test.each([
    'dd',
    'dd if=raw',
    'dd of=out',
    'dd bs=0 if=raw of=out',
    'dd bs=2G if=raw of=out',
    'dd bs=x if=raw of=out',
    'dd bs= if=raw of=out',
    'dd count=-1 if=raw of=out',
    'dd count=9999999999999999999 if=raw of=out',
    'dd conv=notrunc if=raw of=out',
    'dd seek=1 if=raw of=out',
    'dd foo if=raw of=out',
    'dd if=nowhere of=old',
    'dd if= of=out',
    'dd -O foo if=raw of=out',
    'dd -O bochs if=raw of=out',
    'dd -f foo if=raw of=old',
    'dd -n if=raw of=out',
    'dd -O qcow2 if=raw of=nowhere/out',
  ])('%s', same);

  test('a file that would be read and overwritten; qemu-img destroys it', async () => {
    for (const name of ['raw', 'base']) {
      const before = readFileSync(join(dir, name));
      const argv = ['dd', `if=${name === 'raw' ? 'raw' : 'qcow2'}`, `of=./${name}`];
      const ours = await diskwright(argv, dir);
      expect(ours).toMatchObject({ status: 1, stdout: '' });
      expect(ours.stderr).toContain(`writing it would destroy ${name}`);
      expect(readFileSync(join(dir, name)).equals(before)).toBe(true);
    }
    const { qemu, ours } = await runPair(['dd', 'if=raw', 'of=raw'], dir);
    expect(qemu.files).not.toEqual(ours.before);
    expect(ours.files).toEqual(ours.before);
  });
});
