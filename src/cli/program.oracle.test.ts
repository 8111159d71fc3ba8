/** The built program as a process: streams, exit codes, signals, limits of the system, and QEMU's own check. */
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { buildCommand } from '../testing/built-command.ts';
import { qemuImgOrThrow } from '../testing/oracle/qemu-tools.ts';
import { VERSION } from './version.ts';

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

const run = (...args: string[]) => spawnSync(process.execPath, [program, ...args], { cwd: dir, encoding: 'utf8' });

/** Waits until `.x.part` has grown, sends the signal, and returns how the process ended. */
async function interrupt(
  signal: NodeJS.Signals,
): Promise<{ ended: NodeJS.Signals | null; stderr: string; ms: number }> {
  const child = spawn(process.execPath, [program, 'create', '-f', 'qcow2', '-o', 'preallocation=full', 'x', '64G'], {
    cwd: dir,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr.on('data', (bytes) => {
    stderr += bytes;
  });
  const part = (): number => statSync(join(dir, '.x.part'), { throwIfNoEntry: false })?.size ?? 0;
  while (part() < 20_000_000 && child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 20));
  const sent = performance.now();
  child.kill(signal);
  const ended = await new Promise<NodeJS.Signals | null>((resolve) => {
    child.on('close', (_code, by) => resolve(by));
  });
  return { ended, stderr, ms: performance.now() - sent };
}

test('is one file with a #! line and makes what qemu-img makes', () => {
  expect(readdirSync(join(home, 'built'))).toEqual(['diskwright.js']);
  expect(readFileSync(program, 'utf8').split('\n')[0]).toBe('#!/usr/bin/env node');
  const args = ['create', '-f', 'qcow2', '-o', 'preallocation=metadata', 'x', '700M'];
  const ours = run(...args);
  const theirs = qemuImgOrThrow(['create', '-f', 'qcow2', '-o', 'preallocation=metadata', 'y', '700M'], { cwd: dir });
  expect([ours.status, ours.stderr, ours.stdout]).toEqual([0, '', theirs.stdout.replace("'y'", "'x'")]);
  expect(spawnSync('cmp', ['x', 'y'], { cwd: dir }).status).toBe(0);
  qemuImgOrThrow(['check', 'x'], { cwd: dir });
});

test('tells its version and fails with lines of its own', () => {
  expect(run('--version').stdout).toBe(`diskwright version ${VERSION}\n`);
  expect(JSON.parse(readFileSync('package.json', 'utf8'))).toMatchObject({ version: VERSION });
  const failed = run('create', '-f', 'qcow2', '-o', 'cluster_size=1000', 'x', '1M');
  expect(failed.status).toBe(1);
  expect(failed.stderr).toMatch(/^(diskwright: .*\n)+$/);
  expect(readdirSync(dir)).toEqual([]);
});

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('%s half-way leaves nothing, at once', async (signal) => {
  const { ended, stderr, ms } = await interrupt(signal);
  expect(ended).toBe(signal);
  expect(stderr).toBe('diskwright: cancelled; what was made is removed\n');
  expect(readdirSync(dir)).toEqual([]);
  // The rest is the system freeing what was written, on a loaded machine.
  expect(ms).toBeLessThan(5000);
});

test('a limit of the system leaves nothing and keeps what was there', () => {
  writeFileSync(join(dir, 'x'), 'precious');
  const line = 'ulimit -f 2048; exec "$0" "$@"';
  const limited = (...args: string[]) =>
    spawnSync('bash', ['-c', line, process.execPath, program, ...args], { cwd: dir, encoding: 'utf8' });
  for (const mode of ['full', 'metadata']) {
    const { status, stderr } = limited('create', '-f', 'qcow2', '-o', `preallocation=${mode}`, 'x', '64M');
    expect([status, stderr]).toEqual([1, expect.stringMatching(/^diskwright: x: cannot .*longer than .*\n$/)]);
  }
  expect([readdirSync(dir), readFileSync(join(dir, 'x'), 'utf8')]).toEqual([['x'], 'precious']);
});

test('without a place for the summary line nothing is made', () => {
  const full = openSync('/dev/full', 'w');
  const { status, stderr } = spawnSync(process.execPath, [program, 'create', 'x', '1M'], {
    cwd: dir,
    encoding: 'utf8',
    stdio: ['ignore', full, 'pipe'],
  });
  closeSync(full);
  expect([status, stderr]).toEqual([1, 'diskwright: x: the output cannot be written: ENOSPC\n']);
  expect(readdirSync(dir)).toEqual([]);
});

test('a sparse image of 8 TiB costs its tables', () => {
  expect(run('create', '-q', '-f', 'qcow2', 'x', '8T').status).toBe(0);
  expect(run('create', '-q', 'y', '8T').status).toBe(0);
  expect(statSync(join(dir, 'x')).blocks * 512).toBeLessThan(2 * 2 ** 20);
  expect([statSync(join(dir, 'y')).size, statSync(join(dir, 'y')).blocks]).toEqual([8 * 2 ** 40, 0]);
});
