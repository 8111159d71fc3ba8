/** Where the command differs from qemu-img on purpose. Each difference is shown from both sides. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { diskwright, runPair } from '../testing/oracle/command-pair.ts';

let template: string;
beforeEach(() => {
  template = mkdtempSync(join(tmpdir(), 'diskwright-'));
  writeFileSync(join(template, 'base'), 'precious'.repeat(1000));
});
afterEach(() => rmSync(template, { recursive: true }));

const pair = (line: string) => runPair(line.split(' '), template);

test('an image that would destroy its own backing image under another name is refused', async () => {
  const { qemu, ours } = await pair('create -f qcow2 -b ./base -F raw base 1M');
  expect(qemu.status).toBe(0);
  expect(qemu.files.base).not.toBe(ours.before.base);
  expect(ours).toMatchObject({ status: 1, files: ours.before });
  expect(ours.stderr).toContain('would destroy the backing image ./base');
  expect(ours.stdout).toBe(qemu.stdout);
});

test('so is a data file that is the backing image', async () => {
  const { qemu, ours } = await pair('create -f qcow2 -b base -F raw -o data_file=base x 1M');
  expect(qemu.status).toBe(0);
  expect(qemu.files.base).not.toBe(ours.before.base);
  expect(ours).toMatchObject({ status: 1, files: ours.before, stdout: qemu.stdout });
});

test('a refused create leaves an existing file alone, qemu-img deletes it', async () => {
  const { qemu, ours } = await pair('create -f qcow2 -o cluster_size=1000 base 1M');
  expect([qemu.status, ours.status]).toEqual([1, 1]);
  expect(qemu.files).toEqual({});
  expect(ours.files).toEqual(ours.before);
});

test('a protocol is refused before the summary line, qemu-img tries a few of them', async () => {
  const { qemu, ours } = await pair('create nbd:bar 1M');
  expect([qemu.status, ours.status]).toEqual([1, 1]);
  expect(qemu.stdout).toContain('Formatting');
  expect(ours.stdout).toBe('');
});

test('a pipe is no backing image, qemu-img waits for it', async () => {
  spawnSync('mkfifo', [join(template, 'pipe')]);
  const args = ['create', '-f', 'qcow2', '-b', 'pipe', '-F', 'raw', 'x', '1M'];
  expect(spawnSync('timeout', ['1', 'qemu-img', ...args], { cwd: template }).status).toBe(124);
  const ours = await diskwright(args, template);
  expect([ours.status, ours.stdout]).toEqual([1, '']);
  expect(existsSync(join(template, 'x'))).toBe(false);
});

test.each([
  ['create --object throttle-group,id=a x 1M', '--object throttle-group is not available'],
  ['create -f vdi x 1M', 'the format vdi cannot be made'],
  ['create -f file x 1M', 'There is no format "file" here, although QEMU has one'],
  ['--trace x create y 1M', '--trace is not available'],
])('%s works there and is refused here by name', async (line, why) => {
  const { qemu, ours } = await pair(line);
  expect(qemu.status).toBe(0);
  expect([ours.status, ours.stdout]).toEqual([1, '']);
  expect(ours.stderr).toContain(why);
  expect(ours.files).toEqual(ours.before);
});

test('check looks at an image whose data file is missing, qemu-img fails', async () => {
  expect((await diskwright('create -q -f qcow2 -o data_file=guest x 1M'.split(' '), template)).status).toBe(0);
  rmSync(join(template, 'guest'));
  const { qemu, ours } = await pair('check x');
  expect([qemu.status, ours.status]).toEqual([1, 0]);
  expect(ours.stdout).toContain('No errors were found on the image.');
});
