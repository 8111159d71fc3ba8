/** `rebase` beside qemu-img: the same words, exit code and files, byte for byte; and what QEMU finds out too late. */
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { diskwright, runPair } from '../../testing/oracle/command-pair.ts';
import { qemuImg, qemuImgOrThrow, qemuIo } from '../../testing/oracle/qemu-tools.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'diskwright-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

function step(line: string): void {
  const [, file, requests] = /^(\S+): (.*)$/.exec(line) ?? [];
  if (file !== undefined && requests !== undefined) {
    const outcome = qemuIo([...requests.split('; ').flatMap((one) => ['-c', one]), file], { cwd: dir });
    expect(outcome.code, outcome.commandLine + outcome.stdout + outcome.stderr).toBe(0);
  } else qemuImgOrThrow(line.split(' '), { cwd: dir });
}

async function same(...argv: string[]): Promise<void> {
  const { qemu, ours } = await runPair(argv, dir);
  expect({ argv, status: ours.status, stdout: ours.stdout, files: ours.files }).toEqual({
    argv,
    status: qemu.status,
    stdout: qemu.stdout,
    files: qemu.files,
  });
  if (qemu.status === 0) expect(ours.stderr).toBe('');
  else expect(ours.stderr).toMatch(/^diskwright: /);
}

/** base ← mid ← top, and another image. */
function makeChain(options = '', size = '1M'): void {
  const o = options === '' ? '' : ` -o ${options}`;
  step(`create -q -f qcow2${o} base ${size}`);
  step('base: write -P 1 0 256k');
  step(`create -q -f qcow2${o} -b base -F qcow2 mid`);
  step('mid: write -P 2 64k 64k; write -P 4 600k 3k; write -z 200k 20k');
  step(`create -q -f qcow2${o} -b mid -F qcow2 top`);
  step('top: write -P 3 128k 64k');
  step(`create -q -f qcow2${o} other ${size}`);
  step('other: write -P 1 0 128k; write -P 2 70k 3k; write -P 7 512k 300k');
}

const KINDS = [
  '',
  'compat=0.10',
  'cluster_size=512',
  'cluster_size=4k',
  'cluster_size=2M',
  'extended_l2=on',
  'refcount_bits=1',
  'lazy_refcounts=on',
];

describe('a safe rebase', () => {
  test.each(KINDS)('of images with %s', async (options) => {
    makeChain(options);
    await same('rebase', '-b', 'other', '-F', 'qcow2', 'top');
    await same('rebase', '-b', 'base', '-F', 'qcow2', 'top');
    await same('rebase', '-b', 'mid', '-F', 'qcow2', 'top');
    await same('rebase', '-b', '', 'top');
    await same('rebase', '-q', '-f', 'qcow2', '-b', 'other', '-F', 'qcow2', 'base');
    await same('rebase', '-b', 'other', '-F', 'raw', 'mid');
  });

  test.each([
    ['100k', '1M'],
    ['1M', '100k'],
    ['300k', '99k'],
    ['99k', '300k'],
  ])('of an image of 2 MiB from one of %s to one of %s', async (old, fresh) => {
    step(`create -q -f qcow2 old ${old}`);
    step(`old: write -P 1 0 ${old}`);
    step(`create -q -f qcow2 fresh ${fresh}`);
    step(`fresh: write -P 2 0 ${fresh}`);
    step('create -q -f qcow2 -b old -F qcow2 top 2M');
    step('top: write -P 3 32k 20k');
    await same('rebase', '-b', 'fresh', '-F', 'qcow2', 'top');
    await same('rebase', '-b', '', 'top');
  });

  test('between raw images', async () => {
    step('create -q -f raw a 1M');
    step('create -q -f raw b 1M');
    for (const [name, pattern] of [
      ['a', 1],
      ['b', 2],
    ] as const) {
      expect(qemuIo(['-f', 'raw', '-c', `write -P ${pattern} 100k 200k`, name], { cwd: dir }).code).toBe(0);
    }
    step('create -q -f qcow2 -b a -F raw top');
    await same('rebase', '-b', 'b', '-F', 'raw', 'top');
    await same('rebase', '-b', './a', '-F', 'raw', 'top');
  });

  test('names count from the folder of the image and are stored as typed', async () => {
    makeChain();
    mkdirSync(join(dir, 'sub'));
    renameSync(join(dir, 'top'), join(dir, 'sub/top'));
    const outside = async (...argv: string[]): Promise<void> => {
      const { qemu, ours } = await runPair(argv, dir);
      expect([ours.status, ours.stdout, ours.files]).toEqual([qemu.status, qemu.stdout, qemu.files]);
    };
    await outside('rebase', '-u', '-b', '../mid', '-F', 'qcow2', 'sub/top');
    step('rebase -u -b ../mid -F qcow2 sub/top');
    await outside('rebase', '-b', '../sub/../base', '-F', 'qcow2', 'sub/top');
    await same('rebase', '-b', 'base', '-F', 'qcow2', 'sub/top');
  });
});

describe('an unsafe rebase', () => {
  test.each(KINDS)('of images with %s', async (options) => {
    makeChain(options);
    await same('rebase', '-u', '-b', 'other', '-F', 'qcow2', 'top');
    await same('rebase', '-u', '-b', 'nowhere', '-F', 'raw', 'top');
    await same('rebase', '-u', '-b', 'nowhere', 'top');
    await same('rebase', '-u', '-b', '', 'top');
    await same('rebase', '-u', 'top');
    await same('rebase', '-u', '-b', 'x', '-F', 'no-such-format', 'top');
  });

  test('needs nothing that the image rests on', async () => {
    makeChain();
    rmSync(join(dir, 'mid'));
    await same('rebase', '-u', '-b', 'base', '-F', 'qcow2', 'top');
    await same('rebase', '-b', 'base', '-F', 'qcow2', 'top');
  });

  test.each([376, 377, 1023, 1024])('with a name of %i bytes', async (length) => {
    makeChain();
    step('create -q -f qcow2 -o cluster_size=512 small 1M');
    const name = 'n'.repeat(length);
    await same('rebase', '-u', '-b', name, '-F', 'qcow2', 'top');
    await same('rebase', '-u', '-b', name, '-F', 'qcow2', 'small');
  });
});

describe('refused, with nothing changed:', () => {
  test.each([
    ['no new image', ['rebase', 'top']],
    ['an image that is not there', ['rebase', '-b', 'nowhere', '-F', 'qcow2', 'top']],
    ['an unknown format', ['rebase', '-b', 'other', '-F', 'no-such-format', 'top']],
    ['itself', ['rebase', '-b', 'top', '-F', 'qcow2', 'top']],
    ['a raw image', ['rebase', '-f', 'raw', '-u', '-b', 'base', '-F', 'qcow2', 'top']],
    ['no image', ['rebase', '-b', 'base', '-F', 'qcow2']],
    ['an image that is missing', ['rebase', '-b', 'base', '-F', 'qcow2', 'nowhere']],
    ['a flag of later versions', ['rebase', '-c', '-b', 'base', '-F', 'qcow2', 'top']],
  ])('%s', async (_what, argv) => {
    makeChain();
    await same(...argv);
  });

  test('a missing format is found out before anything is copied', async () => {
    makeChain();
    const before = readFileSync(join(dir, 'top'));
    const { qemu, ours } = await runPair(['rebase', '-b', 'other', 'top'], dir);
    expect([ours.status, ours.stdout]).toEqual([qemu.status, qemu.stdout]);
    expect(ours.files).toEqual(ours.before);
    expect(qemu.files).not.toEqual(ours.before);
    expect(readFileSync(join(dir, 'top')).equals(before)).toBe(true);
  });

  test('onto an image that rests on this one', async () => {
    makeChain();
    const before = readFileSync(join(dir, 'base'));
    const { status, stderr } = await diskwright(['rebase', '-b', 'top', '-F', 'qcow2', 'base'], dir);
    expect(status).toBe(1);
    expect(stderr).toContain('the chain would lead in a circle');
    expect(readFileSync(join(dir, 'base')).equals(before)).toBe(true);
  });
});

test('within a chain whose old part is shorter than the image', async () => {
  makeChain();
  step('resize -q top 3M');
  const expected = qemuImgOrThrow(['convert', '-O', 'raw', 'top', 'twin'], { cwd: dir });
  expect(expected.code).toBe(0);
  const ours = await diskwright(['rebase', '-b', 'base', '-F', 'qcow2', 'top'], dir);
  expect(ours).toMatchObject({ status: 0, stdout: '', stderr: '' });
  expect(qemuImg(['compare', 'top', 'twin'], { cwd: dir }).stdout).toBe('Images are identical.\n');
  expect(qemuImg(['check', 'top'], { cwd: dir }).code).toBe(0);
});

test('progress', async () => {
  makeChain();
  const { status, stdout } = await diskwright(['rebase', '-p', '-b', 'other', '-F', 'qcow2', 'top'], dir);
  expect(status).toBe(0);
  expect(stdout).toMatch(/^( {4}\(\d+\.\d\d\/100%\)\r)+\n$/);
});
