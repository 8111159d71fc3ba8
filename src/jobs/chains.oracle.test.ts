/**
 * Random chains of images of many kinds and lengths: after a safe rebase the file is the one that qemu-img leaves,
 * and after a rebase or a commit every disk that must stay the same is the same, and every image is sound.
 */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { diskwright } from '../testing/oracle/command-pair.ts';
import { qemuImg, qemuImgOrThrow, qemuIo } from '../testing/oracle/qemu-tools.ts';
import { Random } from '../testing/random.ts';
import { runs, seed } from '../testing/seed.ts';

const KINDS = [
  'cluster_size=512',
  'cluster_size=4k',
  'compat=1.1',
  'cluster_size=256k',
  'compat=0.10',
  'extended_l2=on',
];
const KIB = 1024;

interface Step {
  readonly argv: readonly string[];
  readonly requests?: readonly string[];
}

/** Sizes are short enough that ends meet everywhere. */
const sizeOf = (random: Random): number => random.between(1, 1200) * KIB;

function requestsFor(random: Random, size: number): string[] {
  return Array.from({ length: random.below(6) }, () => {
    const at = random.below(size / 512) * 512;
    const length = Math.min(size - at, random.between(1, 400) * 512);
    const what = random.pick(['write', 'write', 'write', 'write -z', 'write -z -u', 'discard']);
    return what === 'write' ? `write -P ${random.between(1, 9)} ${at} ${length}` : `${what} ${at} ${length}`;
  });
}

/** base ← mid ← top, and another one, each of its own kind and size. */
function chainOf(random: Random): Step[] {
  const names = ['base', 'mid', 'top'];
  const steps: Step[] = [];
  for (const [i, name] of [...names, 'other'].entries()) {
    const size = sizeOf(random);
    const below = i > 0 && name !== 'other' ? ['-b', names[i - 1] ?? '', '-F', 'qcow2'] : [];
    const argv = ['create', '-q', '-f', 'qcow2', '-o', random.pick(KINDS), ...below, name, String(size)];
    steps.push({ argv, requests: [name, ...requestsFor(random, size)] });
  }
  return steps;
}

function build(steps: readonly Step[], cwd: string): void {
  for (const { argv, requests } of steps) {
    qemuImgOrThrow(argv, { cwd });
    const [name = '', ...lines] = requests ?? [];
    if (lines.length === 0) continue;
    const outcome = qemuIo([...lines.flatMap((line) => ['-c', line]), name], { cwd });
    // A discard in a version 2 image may be refused; everything else works.
    expect(outcome.stdout.replaceAll(/^discard failed.*$/gm, '')).not.toContain('failed');
  }
}

const twinOf = (name: string, cwd: string): string => {
  qemuImgOrThrow(['convert', '-O', 'raw', name, `${name}.twin`], { cwd });
  return `${name}.twin`;
};

function expectSound(name: string, twin: string, cwd: string): void {
  expect(qemuImg(['check', name], { cwd }).stdout).toContain('No errors were found');
  expect(qemuImg(['compare', name, twin], { cwd })).toMatchObject({ code: 0 });
}

async function inFolders(number: number, body: (random: Random, ours: string, theirs: string) => Promise<void>) {
  const dir = mkdtempSync(join(tmpdir(), 'diskwright-'));
  try {
    const random = new Random(seed + number);
    const ours = join(dir, 'ours');
    mkdirSync(ours);
    build(chainOf(random), ours);
    cpSync(ours, join(dir, 'theirs'), { recursive: true });
    await body(random, ours, join(dir, 'theirs'));
  } finally {
    rmSync(dir, { recursive: true });
  }
}

const numbers = Array.from({ length: runs(25) }, (_, i) => i);

describe('rebase', () => {
  test.each(numbers)('chain %i', async (number) => {
    await inFolders(number, async (random, ours, theirs) => {
      const twin = twinOf('top', ours);
      const backing = random.pick([['other'], ['base'], ['']]);
      const argv = ['rebase', '-b', ...backing, ...(backing[0] === '' ? [] : ['-F', 'qcow2']), 'top'];
      const length = (name: string): number =>
        JSON.parse(qemuImgOrThrow(['info', '--output=json', name], { cwd: theirs }).stdout)['virtual-size'];
      // qemu-img loops for ever where the image is longer than a backing image that stays in its chain.
      const loops = backing[0] === 'base' && length('top') > length('mid');
      expect(await diskwright(argv, ours)).toEqual({ status: 0, stdout: '', stderr: '' });
      expectSound('top', twin, ours);
      if (loops) return;
      expect(qemuImg(argv, { cwd: theirs }).code).toBe(0);
      const [mine, other] = [readFileSync(join(ours, 'top')), readFileSync(join(theirs, 'top'))];
      expect([mine.length, mine.equals(other)]).toEqual([other.length, true]);
    });
  });
});

describe('commit', () => {
  test.each(numbers)('chain %i', async (number) => {
    await inFolders(1000 + number, async (random, ours, theirs) => {
      const into = random.pick([[], ['-d'], ['-b', 'base'], ['-b', 'mid']]);
      const twin = twinOf('top', ours);
      const argv = ['commit', ...into, 'top'];
      const outcome = await diskwright(argv, ours);
      expectSound('top', twin, ours);
      if (outcome.status !== 0) {
        // A version 2 image cannot grow over what it rests on: it has no entries for zeros.
        expect(outcome.stderr).toContain('version 2 has no entries for zeros');
        expect(qemuImg(argv, { cwd: theirs }).code).toBe(outcome.status);
        return;
      }
      expect(outcome).toEqual({ status: 0, stdout: 'Image committed.\n', stderr: '' });
      const base = into.includes('base') ? 'base' : 'mid';
      expect(qemuImg(argv, { cwd: theirs }).code).toBe(0);
      // Which cluster comes first differs from run to run of qemu-img; what the disk holds does not.
      expectSound(base, join(theirs, base), ours);
      expect(readFileSync(join(ours, 'top')).equals(readFileSync(join(theirs, 'top')))).toBe(true);
    });
  });
});
