/** A signal or a full disk in the middle of work on an image: every image is sound and shows its disk afterwards. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { buildCommand } from '../testing/built-command.ts';
import { qemuImg, qemuImgOrThrow, qemuIo } from '../testing/oracle/qemu-tools.ts';

let home: string;
let program: string;
let dir: string;
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'diskwright-'));
  program = await buildCommand(join(home, 'built'));
});
afterAll(() => rmSync(home, { recursive: true }));
beforeEach(() => {
  dir = mkdtempSync(join(home, 'run-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

/** Clusters of 512 bytes make the work long enough to be met in its middle. */
function makeImages(): void {
  const create = (...args: string[]) => qemuImgOrThrow(['create', '-q', '-f', 'qcow2', ...args], { cwd: dir });
  create('-o', 'cluster_size=512', 'base', '32M');
  create('-b', 'base', '-F', 'qcow2', 'top');
  create('-o', 'cluster_size=512', '-b', 'top', '-F', 'qcow2', 'upper');
  expect(qemuIo(['-c', 'write -P 1 1M 2M', 'base'], { cwd: dir }).code).toBe(0);
  expect(qemuIo(['-c', 'write -P 2 2M 28M', 'top'], { cwd: dir }).code).toBe(0);
  expect(qemuIo(['-c', 'write -P 3 4M 1M', 'upper'], { cwd: dir }).code).toBe(0);
  for (const name of ['top', 'upper']) qemuImgOrThrow(['convert', '-O', 'raw', name, `${name}.twin`], { cwd: dir });
}

/** Sends the signal once the work is between a tenth and the end. */
async function interrupt(args: readonly string[], signal: NodeJS.Signals) {
  const child = spawn(process.execPath, [program, ...args], { cwd: dir, stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  let sent = false;
  child.stderr.on('data', (bytes) => {
    stderr += bytes;
  });
  child.stdout.on('data', (bytes) => {
    stdout += bytes;
    // Once: a second signal kills at once.
    if (!sent && /\([1-9]\d\.\d\d\/100%\)/.test(stdout)) sent = child.kill(signal);
  });
  return await new Promise<{ by: NodeJS.Signals | null; stdout: string; stderr: string }>((resolve) => {
    child.on('close', (_code, by) => resolve({ by, stdout, stderr }));
  });
}

test.each([
  ['SIGINT', ['commit', '-p', 'top']],
  ['SIGTERM', ['rebase', '-p', '-b', '', 'upper']],
] as const)('%s during %s', async (signal, args) => {
  makeImages();
  const { by, stdout, stderr } = await interrupt(args, signal);
  expect(by).toBe(signal);
  expect(stdout).not.toContain('(100.00/100%)');
  expect(stderr).toMatch(
    /^diskwright: (base|upper): cancelled; the image is whole, the rest of the work is left undone\n$/,
  );
  for (const name of ['base', 'top', 'upper']) {
    expect(qemuImg(['check', name], { cwd: dir }).stdout).toContain('No errors were found');
  }
  for (const name of ['top', 'upper']) {
    expect(qemuImg(['compare', name, `${name}.twin`], { cwd: dir }).stdout).toBe('Images are identical.\n');
  }
  expect(qemuImg(['info', 'upper'], { cwd: dir }).stdout).toContain('backing file: top');
});

test('SIGINT during dd removes what was made', async () => {
  makeImages();
  const child = spawn(process.execPath, [program, 'dd', '-O', 'qcow2', 'bs=512', 'if=top.twin', 'of=new'], {
    cwd: dir,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr.on('data', (bytes) => {
    stderr += bytes;
  });
  while (!readdirSync(dir).includes('new') && child.exitCode === null) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  child.kill('SIGINT');
  const by = await new Promise((resolve) => {
    child.on('close', (_code, signal) => resolve(signal));
  });
  // A machine that is fast enough has finished before the signal came.
  if (by !== null) {
    expect(stderr).toBe('diskwright: cancelled; what was made is removed\n');
    expect(readdirSync(dir)).not.toContain('new');
  }
});

test.each(['SIGINT', 'SIGTERM'] as const)('%s while io waits for a line closes the image cleanly', async (signal) => {
  qemuImgOrThrow(['create', '-q', '-f', 'qcow2', '-o', 'lazy_refcounts=on', 'lazy', '1M'], { cwd: dir });
  const child = spawn(process.execPath, [program, 'io', 'lazy'], { cwd: dir, stdio: 'pipe' });
  let [stdout, stderr] = ['', ''];
  child.stderr.on('data', (bytes) => {
    stderr += bytes;
  });
  child.stdin.write('write -P 7 0 64k\n');
  child.stdout.on('data', (bytes) => {
    stdout += bytes;
    // The prompt for the next line: the image is dirty now.
    if (/ops\/sec\)\nqemu-io> $/.test(stdout)) child.kill(signal);
  });
  const by = await new Promise((resolve) => {
    child.on('close', (_code, sent) => resolve(sent));
  });
  expect([by, stderr]).toEqual([signal, 'diskwright: cancelled; the image is closed\n']);
  expect(qemuImg(['info', 'lazy'], { cwd: dir }).stdout).not.toContain('cleanly shut down: no');
  expect(qemuImg(['check', 'lazy'], { cwd: dir }).stdout).toContain('No errors were found');
  expect(qemuIo(['-r', '-c', 'read -P 7 0 64k', 'lazy'], { cwd: dir }).code).toBe(0);
});

/** The limit of a file's length stands for a disk that is full. */
test.each([
  ['commit', ['commit', 'top']],
  ['rebase', ['rebase', '-b', '', 'upper']],
  ['io', ['io', '-c', 'write -P 9 2M 28M', 'base']],
])('no space during %s', (_what, args) => {
  makeImages();
  const line = 'ulimit -f 16384; exec "$0" "$@"';
  const { status, stderr } = spawnSync('bash', ['-c', line, process.execPath, program, ...args], {
    cwd: dir,
    encoding: 'utf8',
  });
  expect([status, stderr]).toEqual([
    1,
    expect.stringMatching(/^diskwright: \w+: cannot write: the file would be longer/),
  ]);
  for (const name of ['base', 'top', 'upper']) {
    // Counted and not linked because the table could not be written: qemu-img leaves such leaks as well.
    expect([0, 3]).toContain(qemuImg(['check', name], { cwd: dir }).code);
  }
  for (const name of ['top', 'upper']) {
    expect(qemuImg(['compare', name, `${name}.twin`], { cwd: dir }).stdout).toBe('Images are identical.\n');
  }
});
