/** An image that QEMU has open: refused exactly when qemu-img refuses it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { diskwright } from '../../testing/oracle/command-pair.ts';
import { qemuImg, qemuImgOrThrow } from '../../testing/oracle/qemu-tools.ts';

let dir: string;
let holder: ChildProcess | undefined;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'diskwright-'));
});
afterEach(() => {
  holder?.kill();
  rmSync(dir, { recursive: true });
});

/** Keeps the image open in qemu-io until the test ends. */
async function hold(...args: string[]): Promise<void> {
  const child = spawn('qemu-io', args, { cwd: dir, stdio: ['pipe', 'pipe', 'inherit'] });
  holder = child;
  child.stdin.write('length\n');
  await new Promise((resolve, reject) => {
    child.stdout.once('data', resolve);
    child.once('exit', () => reject(new Error('qemu-io ended at once')));
  });
}

test.each([
  ['for writing', ['x']],
  ['for reading', ['-r', 'x']],
  ['for reading, sharing everything', ['-r', '-U', 'x']],
])('open %s', async (_how, args) => {
  qemuImgOrThrow(['create', '-q', '-f', 'qcow2', 'x', '1M'], { cwd: dir });
  await hold(...args);
  const before = readFileSync(join(dir, 'x'));
  const ours = await diskwright(['create', '-q', 'x', '2M'], dir);
  if (ours.status !== 0) {
    expect(ours.stderr).toContain('another program has this image open');
    expect(readFileSync(join(dir, 'x')).equals(before)).toBe(true);
    const data = await diskwright(['create', '-q', '-f', 'qcow2', '-o', 'data_file=x', 'y', '2M'], dir);
    expect(data).toMatchObject({ status: 1, stderr: expect.stringContaining('x: another program') });
  }
  // A shared reader would be open on our new file's predecessor, so qemu-img is asked about the same file.
  const theirs = qemuImg(['create', '-q', 'x', '2M'], { cwd: dir });
  expect(ours.status).toBe(theirs.code);
});

test('nobody has it open', async () => {
  qemuImgOrThrow(['create', '-q', '-f', 'qcow2', 'x', '1M'], { cwd: dir });
  expect((await diskwright(['create', '-q', 'x', '2M'], dir)).status).toBe(0);
});
