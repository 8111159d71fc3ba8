/** Conversions that go wrong or are ended: nothing half is left, and what was there stays. */
import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { buildCommand } from '../../testing/built-command.ts';
import { diskwright } from '../../testing/oracle/command-pair.ts';
import { qemuImg, qemuImgOrThrow, qemuIo } from '../../testing/oracle/qemu-tools.ts';

let home: string;
let program: string;
let dir: string;
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'diskwright-convert-'));
  program = await buildCommand(join(home, 'built'));
});
afterAll(() => rmSync(home, { recursive: true }));
beforeEach(() => {
  dir = mkdtempSync(join(home, 'run-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const text = (bytes: number): Buffer => Buffer.alloc(bytes, 'some text that repeats, and some more of it\n');

/** Disks that keep the command busy for a while: numbers, so that compressing has something to do. */
function makeSource(megabytes: number): void {
  const words = Buffer.alloc(megabytes << 20);
  for (let i = 0; i < words.length; i += 4) words.writeUInt32LE(Math.imul(i >> 4, 2654435761) >>> 12, i);
  writeFileSync(join(dir, 'source'), words);
}

test.each([
  ['SIGINT', ['convert', '-p', '-O', 'qcow2', '-o', 'cluster_size=512', 'source', 'new']],
  ['SIGTERM', ['convert', '-p', '-c', '-O', 'qcow2', 'source', 'new']],
  ['SIGINT', ['convert', '-p', '-c', '-O', 'qcow2', 'source', 'old']],
] as const)('%s during %j leaves nothing of it', async (signal, args) => {
  makeSource(32);
  writeFileSync(join(dir, 'old'), 'what was there');
  const child = spawn(process.execPath, [program, ...args], { cwd: dir, stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  let sent = false;
  child.stderr.on('data', (bytes) => {
    stderr += bytes;
  });
  child.stdout.on('data', (bytes) => {
    stdout += bytes;
    if (!sent && /\([1-9]\d\.\d\d\/100%\)/.test(stdout)) sent = child.kill(signal);
  });
  const by = await new Promise((resolve) => {
    child.on('close', (_code, ended) => resolve(ended));
  });
  expect([by, stderr]).toEqual([signal, 'diskwright: cancelled; what was made is removed\n']);
  expect(readdirSync(dir).sort()).toEqual(['old', 'source']);
  expect(readFileSync(join(dir, 'old'), 'utf8')).toBe('what was there');
});

test('a signal leaves an image that was there sound', async () => {
  makeSource(32);
  qemuImgOrThrow(['create', '-q', '-f', 'qcow2', '-o', 'cluster_size=512', 'old', '32M'], { cwd: dir });
  const args = ['convert', '-p', '-n', '-O', 'qcow2', 'source', 'old'];
  const child = spawn(process.execPath, [program, ...args], { cwd: dir, stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  let sent = false;
  child.stderr.on('data', (bytes) => {
    stderr += bytes;
  });
  child.stdout.on('data', (bytes) => {
    stdout += bytes;
    if (!sent && /\([1-9]\d\.\d\d\/100%\)/.test(stdout)) sent = child.kill('SIGINT');
  });
  const by = await new Promise((resolve) => {
    child.on('close', (_code, ended) => resolve(ended));
  });
  expect([by, stderr]).toEqual([
    'SIGINT',
    'diskwright: cancelled; old is whole and holds a part of what was to be copied\n',
  ]);
  expect(qemuImg(['check', 'old'], { cwd: dir }).code).toBe(0);
});

/** The limit of a file's length stands for a disk that is full. */
test.each([
  ['plain', ['convert', '-O', 'qcow2', 'source', 'new']],
  ['compressed', ['convert', '-c', '-O', 'qcow2', 'source', 'new']],
  ['raw', ['convert', 'source', 'old']],
])('no space: %s', (_what, args) => {
  makeSource(24);
  writeFileSync(join(dir, 'old'), 'what was there');
  const line = 'ulimit -f 4096; exec "$0" "$@"';
  const done = spawnSync('bash', ['-c', line, process.execPath, program, ...args], { cwd: dir, encoding: 'utf8' });
  expect([done.status, done.stderr]).toEqual([
    1,
    expect.stringMatching(/^diskwright: (new|old): cannot .*: the file would be longer/),
  ]);
  expect(readdirSync(dir).sort()).toEqual(['old', 'source']);
  expect(readFileSync(join(dir, 'old'), 'utf8')).toBe('what was there');
});

describe('sources that are not what they say', () => {
  test('a file that ends before its data reads as zeros there, as in qemu-img', async () => {
    qemuImgOrThrow(['create', '-q', '-f', 'qcow2', 'short', '4M'], { cwd: dir });
    expect(qemuIo(['-c', 'write -P 7 0 4M', 'short'], { cwd: dir }).code).toBe(0);
    truncateSync(join(dir, 'short'), 2 << 20);
    qemuImgOrThrow(['convert', '-O', 'raw', 'short', 'theirs'], { cwd: dir });
    expect(await diskwright(['convert', '-O', 'raw', 'short', 'mine'], dir)).toMatchObject({ status: 0 });
    expect(readFileSync(join(dir, 'mine')).equals(readFileSync(join(dir, 'theirs')))).toBe(true);
  });

  test.each([[[]], [['-c']]])('compressed data that is cut off or damaged ends it (%j)', async (flags) => {
    writeFileSync(join(dir, 'source'), text(4 << 20));
    qemuImgOrThrow(['convert', '-c', '-O', 'qcow2', 'source', 'packed'], { cwd: dir });
    const length = statSync(join(dir, 'packed')).size;
    const bytes = readFileSync(join(dir, 'packed'));
    bytes.fill(0xff, length - 2048);
    writeFileSync(join(dir, 'packed'), bytes);
    const { status, stderr } = await diskwright(['convert', ...flags, '-O', 'qcow2', 'packed', 'new'], dir);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^diskwright: packed: qcow2: compressed cluster for guest offset \d+/);
    expect(readdirSync(dir).sort()).toEqual(['packed', 'source']);
    expect(qemuImg(['convert', '-O', 'qcow2', 'packed', 'theirs'], { cwd: dir }).code).toBe(1);
  });

  test('a damaged table is found before the new image is begun', async () => {
    qemuImgOrThrow(['create', '-q', '-f', 'qcow2', 'broken', '4M'], { cwd: dir });
    expect(qemuIo(['-c', 'write -P 7 0 4M', 'broken'], { cwd: dir }).code).toBe(0);
    const bytes = readFileSync(join(dir, 'broken'));
    // The last entry of the L2 table in cluster 4 points into the middle of a cluster.
    bytes.writeBigUInt64BE(0x8000_0000_0005_0200n, 4 * 65536 + 63 * 8);
    writeFileSync(join(dir, 'broken'), bytes);
    const { status, stderr } = await diskwright(['convert', '-O', 'qcow2', 'broken', 'new'], dir);
    expect([status, stderr]).toEqual([1, expect.stringMatching(/^diskwright: broken: qcow2: L2 table 0, entry 63/)]);
    expect(readdirSync(dir)).toEqual(['broken']);
  });
});

test('holes of a raw file are not copied, and the disk is the same', async () => {
  writeFileSync(join(dir, 'sparse'), '');
  truncateSync(join(dir, 'sparse'), 3 * 2 ** 30);
  const file = join(dir, 'sparse');
  expect(qemuIo(['-f', 'raw', '-c', 'write -P 7 100k 1M', '-c', 'write -P 8 2600M 70k', file]).code).toBe(0);
  for (const flags of [[], ['-c']]) {
    expect(await diskwright(['convert', ...flags, '-f', 'raw', '-O', 'qcow2', 'sparse', 'mine'], dir)).toMatchObject({
      status: 0,
    });
    expect(qemuImg(['compare', '-f', 'raw', '-F', 'qcow2', 'sparse', 'mine'], { cwd: dir }).stdout).toBe(
      'Images are identical.\n',
    );
    expect(qemuImg(['check', 'mine'], { cwd: dir }).code).toBe(0);
  }
  qemuImgOrThrow(['convert', '-f', 'raw', '-O', 'qcow2', 'sparse', 'theirs'], { cwd: dir });
  expect(await diskwright(['convert', '-f', 'raw', '-O', 'qcow2', 'sparse', 'mine'], dir)).toMatchObject({ status: 0 });
  expect(readFileSync(join(dir, 'mine')).equals(readFileSync(join(dir, 'theirs')))).toBe(true);
  expect(await diskwright(['convert', '-O', 'raw', 'mine', 'raw'], dir)).toMatchObject({ status: 0 });
  expect(statSync(join(dir, 'raw')).blocks * 512).toBeLessThan(2 << 20);
});

test('a target that cannot be written, or that is read', async () => {
  writeFileSync(join(dir, 'source'), text(1 << 20));
  qemuImgOrThrow(['create', '-q', '-f', 'qcow2', '-b', 'source', '-F', 'raw', 'top'], { cwd: dir });
  mkdirSync(join(dir, 'folder'));
  chmodSync(join(dir, 'folder'), 0o700);
  for (const target of ['folder', 'no/folder/new', 'source', 'top', './source']) {
    const { status, stderr } = await diskwright(['convert', 'top', target], dir);
    expect([status, stderr]).toEqual([1, expect.stringMatching(/^diskwright: /)]);
  }
  expect(readFileSync(join(dir, 'source')).equals(text(1 << 20))).toBe(true);
  expect(readdirSync(dir).sort()).toEqual(['folder', 'source', 'top']);
});

test.each([['-C'], ['-r', '1M'], ['--salvage'], ['--bitmaps']])(
  '%s %s is refused with its reason',
  async (...flags) => {
    writeFileSync(join(dir, 'source'), text(1 << 20));
    const { status, stderr } = await diskwright(['convert', ...flags, 'source', 'new'], dir);
    expect([status, stderr]).toEqual([1, expect.stringContaining('is not available')]);
    expect(readdirSync(dir)).toEqual(['source']);
  },
);
