/** `commit` beside qemu-img: the same words, exit code and files, byte for byte; and what must not be written. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { diskwright, runPair } from '../../testing/oracle/command-pair.ts';
import { qemuImg, qemuImgOrThrow, qemuIo } from '../../testing/oracle/qemu-tools.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'diskwright-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

/** One step in the folder: `create …` and such by qemu-img, requests as `file: write …; read …` by qemu-io. */
function step(line: string): void {
  const [, file, requests] = /^(\S+): (.*)$/.exec(line) ?? [];
  if (file !== undefined && requests !== undefined) {
    const outcome = qemuIo([...requests.split('; ').flatMap((one) => ['-c', one]), file], { cwd: dir });
    expect(outcome.code, outcome.commandLine + outcome.stdout + outcome.stderr).toBe(0);
  } else qemuImgOrThrow(line.split(' '), { cwd: dir });
}

/** qemu-img copies several stretches at once, and now and then the later one comes first: it gets more than one try. */
const TRIES = 8;

async function same(...argv: string[]): Promise<void> {
  for (let left = TRIES; ; left--) {
    const { qemu, ours } = await runPair(argv, dir);
    if (left > 1 && qemu.status === 0 && !isDeepStrictEqual(ours.files, qemu.files)) continue;
    expect({ status: ours.status, stdout: ours.stdout, files: ours.files }).toEqual({
      status: qemu.status,
      stdout: qemu.stdout,
      files: qemu.files,
    });
    if (qemu.status === 0) expect(ours.stderr).toBe('');
    else expect(ours.stderr).toMatch(/^diskwright: /);
    return;
  }
}

const base = (options = '', size = '1M') => `create -q -f qcow2 ${options} base ${size}`.replaceAll(/ +/g, ' ');
const overlay = (options = '', size = '') =>
  `create -q -f qcow2 ${options} -b base -F qcow2 top ${size}`.replaceAll(/ +/g, ' ').trimEnd();

const CASES: readonly (readonly [what: string, steps: readonly string[]])[] = [
  ['one cluster', [base(), overlay(), 'top: write -P 1 64k 64k']],
  ['nothing', [base(), overlay()]],
  [
    'over what the base has',
    [base(), 'base: write -P 9 0 512k', overlay(), 'top: write -P 1 60k 100k; write -P 2 1000k 1k'],
  ],
  [
    'zeros kept and given up',
    [base(), 'base: write -P 9 0 1M', overlay(), 'top: write -z 64k 64k; write -z -u 256k 128k; write -z 500k 8k'],
  ],
  ['a discarded stretch', [base(), 'base: write -P 9 0 1M', overlay(), 'top: write -P 1 0 256k; discard 64k 64k']],
  ['compressed clusters', [base(), overlay(), 'top: write -c -P 1 64k 64k; write -c -P 2 256k 64k']],
  [
    'small clusters into large ones',
    [
      base(),
      'base: write -P 9 0 300k',
      overlay('-o cluster_size=4k'),
      'top: write -P 1 5k 3k; write -P 2 200k 9k; write -z 100k 12k',
    ],
  ],
  [
    'into 2 MiB clusters',
    [
      base('-o cluster_size=2M', '8M'),
      'base: write -P 9 0 1M',
      overlay(),
      'top: write -P 1 100k 70k; write -z 4M 2M; write -z 6500k 100k',
    ],
  ],
  [
    'into 128 KiB clusters, zeros not aligned',
    [base('-o cluster_size=128k', '8M'), 'base: write -P 9 0 8M', overlay(), 'top: write -z 64k 7M'],
  ],
  ['a longer overlay', [base(), 'base: write -P 9 512k 512k', overlay('', '3M'), 'top: write -P 1 2M 64k']],
  ['a longer overlay with nothing in it', [base(), overlay('', '3M')]],
  ['a shorter overlay', [base(), 'base: write -P 9 0 1M', overlay('', '100k'), 'top: write -P 1 70k 20k']],
  ['zeros at an odd end', [base('', '1000k'), 'base: write -P 9 0 1000k', overlay(), 'top: write -z 832k 168k']],
  ['version 2', [base('-o compat=0.10'), overlay('-o compat=0.10'), 'top: write -P 1 64k 128k']],
  ['version 2 zeros', [base('-o compat=0.10'), 'base: write -P 9 0 1M', overlay(), 'top: write -z 64k 128k']],
  [
    'extended L2',
    [
      base('-o extended_l2=on'),
      'base: write -P 9 0 256k',
      overlay('-o extended_l2=on'),
      'top: write -P 1 3k 9k; write -z 100k 8k',
    ],
  ],
  ['refcounts of one bit', [base('-o refcount_bits=1'), overlay('-o refcount_bits=1'), 'top: write -P 1 0 512k']],
  ['lazy refcounts', [base('-o lazy_refcounts=on'), overlay('-o lazy_refcounts=on'), 'top: write -P 1 0 128k']],
  [
    'a raw base',
    ['create -q -f raw base 1M', 'create -q -f qcow2 -b base -F raw top', 'top: write -P 1 64k 64k; write -z 256k 64k'],
  ],
  [
    'a raw base that grows',
    ['create -q -f raw base 1M', 'create -q -f qcow2 -b base -F raw top 2M', 'top: write -P 1 1536k 64k'],
  ],
  [
    'an overlay with a snapshot',
    [base(), overlay(), 'top: write -P 1 0 64k', 'snapshot -c s top', 'top: write -P 2 0 128k'],
  ],
  ['an overlay with a bitmap', [base(), overlay(), 'bitmap --add top b', 'top: write -P 2 0 128k']],
  [
    'an overlay of large refcount blocks and many L1 clusters',
    [base('', '64M'), overlay('-o cluster_size=512,refcount_bits=64', '64M'), 'top: write -P 1 0 64k'],
  ],
  [
    'a base with a snapshot',
    [base(), 'base: write -P 9 0 256k', 'snapshot -c s base', overlay(), 'top: write -P 1 64k 64k'],
  ],
  ['data beside the base', ['create -q -f qcow2 -o data_file=d base 1M', overlay(), 'top: write -P 1 64k 64k']],
  ['data beside the overlay', [base(), overlay('-o data_file=d'), 'top: write -P 1 64k 64k']],
];

/** Here the order of qemu-img's clusters differs from run to run. */
const IN_ANY_ORDER: typeof CASES = [
  [
    'large clusters into small ones',
    [
      base('-o cluster_size=512'),
      'base: write -P 9 0 30k',
      overlay('-o cluster_size=2M', '4M'),
      'top: write -P 1 5k 3k; write -z 3M 10k',
    ],
  ],
  ['an odd end', [base('', '1000k'), overlay(), 'top: write -P 1 950k 50k']],
];

describe('the nearest image', () => {
  test.each(IN_ANY_ORDER)('%s: the same disk', async (_what, steps) => {
    for (const line of steps) step(line);
    qemuImgOrThrow(['convert', '-O', 'raw', 'top', 'twin'], { cwd: dir });
    const { qemu, ours } = await runPair(['commit', 'top'], dir);
    expect([ours.status, ours.stdout, ours.stderr]).toEqual([qemu.status, qemu.stdout, '']);
    expect(ours.files.top).toBe(qemu.files.top);
    expect((await diskwright(['commit', 'top'], dir)).status).toBe(0);
    for (const name of ['base', 'top']) {
      expect(qemuImg(['compare', name, 'twin'], { cwd: dir }).stdout).toBe('Images are identical.\n');
      expect(qemuImg(['check', name], { cwd: dir }).code).toBe(0);
    }
  });

  test.each(CASES)('%s', async (_what, steps) => {
    for (const line of steps) step(line);
    await same('commit', 'top');
    await same('commit', '-d', '-q', 'top');
  });
});

describe('an image further down', () => {
  beforeEach(() => {
    step(base());
    step('base: write -P 1 0 256k');
    step('create -q -f qcow2 -b base -F qcow2 mid');
    step('mid: write -P 2 64k 64k; write -P 2 512k 64k');
    step('create -q -f qcow2 -b mid -F qcow2 top');
    step('top: write -P 3 128k 64k');
  });

  test.each(['base', './base', 'mid', 'top', 'nothing', ''])('named "%s"', async (name) => {
    await same('commit', '-b', name, 'top');
  });

  test('behind a shorter one', async () => {
    step('resize -q --shrink mid 300k');
    await same('commit', '-b', 'base', 'top');
  });

  test('from another folder', async () => {
    mkdirSync(join(dir, 'sub'));
    step('create -q -f qcow2 -b ../mid -F qcow2 sub/up');
    step('sub/up: write -P 7 0 64k');
    const bytes = readFileSync(join(dir, 'mid'));
    const refused = await diskwright(['commit', 'sub/up'], dir);
    expect(refused).toMatchObject({ status: 1, stdout: '' });
    expect(refused.stderr).toContain('which is outside its folder');
    expect(refused.stderr).toContain('--allow-outside');
    expect(readFileSync(join(dir, 'mid')).equals(bytes)).toBe(true);
    const { qemu, ours } = await runPair(['commit', '-b', '../mid', 'sub/up'], dir);
    expect([ours.status, ours.stdout, ours.files]).toEqual([qemu.status, qemu.stdout, qemu.files]);
    const allowed = await diskwright(['commit', '--allow-outside', 'sub/up'], dir);
    expect(allowed).toMatchObject({ status: 0, stdout: 'Image committed.\n' });
    expect(qemuIo(['-c', 'read -P 7 0 64k', 'mid'], { cwd: dir }).code).toBe(0);
  });
});

describe('refused, with nothing changed:', () => {
  test.each([
    ['commit', 'base'],
    ['commit', 'nowhere'],
    ['commit'],
    ['commit', '-f', 'raw', 'base'],
    ['commit', 'base', 'base'],
  ])('%s %s %s %s', async (...argv) => {
    step(base());
    await same(...argv);
  });

  test('a base that is a circle, or that leads to another file by a link', async () => {
    step('create -q -u -f qcow2 -b two -F qcow2 one 1M');
    step('create -q -u -f qcow2 -b one -F qcow2 two 1M');
    expect((await diskwright(['commit', 'one'], dir)).stderr).toContain('leads in a circle');
    mkdirSync(join(dir, 'sub'));
    writeFileSync(join(dir, 'secret'), Buffer.alloc(2 ** 20, 5));
    symlinkSync('../secret', join(dir, 'sub/base'));
    step('create -q -u -f qcow2 -b base -F raw sub/top 1M');
    step('sub/top: write -P 1 0 64k');
    expect((await diskwright(['commit', 'sub/top'], dir)).stderr).toContain('outside its folder');
    expect((await diskwright(['commit', '--no-external', 'sub/top'], dir)).stderr).toContain(
      '--no-external opens none',
    );
    expect(readFileSync(join(dir, 'secret')).equals(Buffer.alloc(2 ** 20, 5))).toBe(true);
  });

  test('a limit of the rate', async () => {
    step(base());
    step(overlay());
    expect((await diskwright(['commit', '-r', '1M', 'top'], dir)).stderr).toContain('is not available');
  });

  test.each([
    'commit -t none -d top',
    'rebase -t none -T directsync -u -b base -F qcow2 top',
    'amend -t none -o lazy_refcounts=on top',
    'check -T none top',
    'compare -T none top top',
    'convert -t none -T none top new',
  ])('a cache mode changes nothing but is not hidden: %s', async (line) => {
    step(base());
    step(overlay());
    const { status, stderr } = await diskwright(line.split(' '), dir);
    expect([status, stderr]).toEqual([0, expect.stringContaining("the host's cache cannot be gone around")]);
    const wrong = line.replace(/none/, 'fastest').split(' ');
    expect((await diskwright(wrong, dir)).status).toBe(qemuImg(wrong, { cwd: dir }).code);
  });
});

test('progress is printed over itself', async () => {
  step(base());
  step(overlay());
  step('top: write -P 1 0 1M');
  const { status, stdout } = await diskwright(['commit', '-p', 'top'], dir);
  expect(status).toBe(0);
  expect(stdout).toMatch(/^( {4}\(\d+\.\d\d\/100%\)\r)+\nImage committed\.\n$/);
  expect(stdout).toContain('(100.00/100%)');
  expect(qemuImg(['check', 'base'], { cwd: dir }).code).toBe(0);
});
