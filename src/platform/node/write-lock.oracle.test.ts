/** Commands that write and an image that QEMU has open: refused exactly when qemu-img refuses it, nothing touched. */
import { type ChildProcess, spawn } from 'node:child_process';
import { linkSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { diskwright } from '../../testing/oracle/command-pair.ts';
import { qemuImg, qemuImgOrThrow } from '../../testing/oracle/qemu-tools.ts';

let dir: string;
let holder: ChildProcess | undefined;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'diskwright-'));
  qemuImgOrThrow(['create', '-q', '-f', 'qcow2', 'base', '1M'], { cwd: dir });
  qemuImgOrThrow(['create', '-q', '-f', 'qcow2', '-b', 'base', '-F', 'qcow2', 'top'], { cwd: dir });
  linkSync(join(dir, 'top'), join(dir, 'hard'));
  symlinkSync('top', join(dir, 'soft'));
});
afterEach(async () => {
  const child = holder;
  holder = undefined;
  if (child && child.exitCode === null) {
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  }
  rmSync(dir, { recursive: true });
});

async function started(child: ChildProcess, says: RegExp): Promise<void> {
  holder = child;
  let text = '';
  await new Promise((resolve, reject) => {
    child.stdout?.on('data', (bytes) => {
      text += bytes;
      if (says.test(text)) resolve(undefined);
    });
    child.once('exit', () => reject(new Error('the holder ended at once')));
  });
}

async function holdWithIo(...args: string[]): Promise<void> {
  const child = spawn('qemu-io', args, { cwd: dir, stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.write('length\n');
  await started(child, /1 MiB/);
}

/** A machine that is paused before its first instruction; its monitor answers once the images are open. */
async function holdWithMachine(file: string): Promise<void> {
  const args = ['-S', '-machine', 'none', '-nodefaults', '-display', 'none', '-qmp', 'stdio'];
  const drive = ['-blockdev', `driver=qcow2,node-name=d,file.driver=file,file.filename=${file}`];
  const child = spawn('qemu-system-x86_64', [...args, ...drive], { cwd: dir, stdio: ['pipe', 'pipe', 'inherit'] });
  await started(child, /"QMP"/);
}

const WRITING: readonly (readonly string[])[] = [
  ['rebase', '-u', '-b', '', 'top'],
  ['resize', '-q', 'top', '2M'],
  ['commit', '-q', 'top'],
  ['snapshot', '-c', 's', 'top'],
  ['bitmap', '--add', 'top', 'first'],
];

const bytes = (): Buffer => Buffer.concat(['base', 'top'].map((name) => readFileSync(join(dir, name))));

/** qemu-img is asked second: what it is allowed to do changes the files. */
async function refusedAlike(argv: readonly string[]): Promise<void> {
  const before = bytes();
  const ours = await diskwright(argv, dir);
  const ourBytes = bytes();
  const theirs = qemuImg(
    argv.map((word) => (word === 'first' ? 'second' : word)),
    { cwd: dir },
  );
  expect([argv, ours.status]).toEqual([argv, theirs.code]);
  if (theirs.code === 0) return;
  expect(ourBytes.equals(before)).toBe(true);
  expect(ours.stdout).toBe('');
  expect(ours.stderr).toMatch(/^diskwright: (top|base): another program has this image open\ndiskwright: fix: /);
}

describe.each([
  ['qemu-io writing', () => holdWithIo('top')],
  ['qemu-io reading', () => holdWithIo('-r', 'top')],
  ['qemu-io sharing', () => holdWithIo('-r', '-U', 'top')],
  ['qemu-io reading what it rests on', () => holdWithIo('-r', 'base')],
  ['a machine', () => holdWithMachine('top')],
])('held by %s', (_who, hold) => {
  test.each(WRITING)('%s %s %s', async (...argv) => {
    await hold();
    await refusedAlike(argv.filter((word) => word !== undefined));
  });
});

test('under another name it is the same image', async () => {
  await holdWithMachine('top');
  for (const name of ['hard', 'soft', './top', 'file:top']) {
    const { status, stderr } = await diskwright(['io', '-c', 'write 0 4k', name], dir);
    expect([status, stderr]).toEqual([1, expect.stringContaining(`${name}: another program has this image open`)]);
  }
});

test('sharing is for reading only', async () => {
  await holdWithMachine('top');
  expect(await diskwright(['io', '-r', '-U', '-c', 'read -q 0 4k', 'top'], dir)).toMatchObject({
    status: 0,
    stderr: '',
  });
  const { status, stderr } = await diskwright(['io', '-U', '-c', 'write 0 4k', 'top'], dir);
  expect([status, stderr]).toEqual([1, expect.stringContaining('-U is for reading an image in use')]);
});

test('a raw image that another program shares for writing is refused, too; qemu-io would write to it', async () => {
  qemuImgOrThrow(['create', '-q', '-f', 'raw', 'raw', '1M'], { cwd: dir });
  await holdWithIo('-f', 'raw', 'raw');
  const { status, stderr } = await diskwright(['io', '-f', 'raw', '-c', 'write 0 4k', 'raw'], dir);
  expect([status, stderr]).toEqual([1, expect.stringContaining('raw: another program has this image open')]);
});
