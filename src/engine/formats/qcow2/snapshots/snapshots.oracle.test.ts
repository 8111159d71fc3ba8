/**
 * Snapshots against qemu-img: the same operations on the same image leave the same bytes (the date is passed in), and
 * both checks are clean after each.
 */
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { makeImage, type Recipe, recipes } from '../../../../testing/oracle/qcow2-recipes.ts';
import { qemuImg, qemuImgOrThrow, qemuIo } from '../../../../testing/oracle/qemu-tools.ts';
import { withTempDir } from '../../../../testing/oracle/temp-dir.ts';
import { type MemoryDevice, memoryDeviceOf } from '../../../device/memory.ts';
import { DiskwrightError } from '../../../errors.ts';
import type { SnapshotControl, Steps } from '../../../image/writable.ts';
import { checkAtOnce } from '../check/check.ts';
import { qcow2Editor } from '../editor.ts';
import { openHeader } from '../open-header.ts';
import { readSnapshots } from '../snapshots.ts';
import { allOf } from './steps.ts';

function bytesOf(device: MemoryDevice): Buffer {
  const bytes = Buffer.alloc(device.size);
  for (let at = 0; at < bytes.length; at += 2 ** 20) device.read(at, bytes.subarray(at, at + 2 ** 20));
  return bytes;
}

/** Opens the image, does the work, closes it; the message of what was refused. */
function ours(file: string, work: (snapshots: SnapshotControl) => Steps): string {
  const device = memoryDeviceOf(readFileSync(file));
  const image = qcow2Editor.openWritable({ image: device }, { unmap: true });
  let message = '';
  try {
    if (image.snapshots) allOf(work(image.snapshots));
  } catch (thrown) {
    if (!(thrown instanceof DiskwrightError)) throw thrown;
    message = thrown.message;
  }
  image.close();
  writeFileSync(file, bytesOf(device));
  const { corruptions, leaks, findings } = checkAtOnce(device);
  expect({ corruptions, leaks, findings }).toEqual({ corruptions: 0, leaks: 0, findings: [] });
  return message;
}

function firstDifference(a: Buffer, b: Buffer): string {
  if (a.equals(b)) return 'same';
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    if (a[i] !== b[i]) return `byte ${i} (0x${i.toString(16)}): ${a[i]} and ${b[i]}; lengths ${a.length}, ${b.length}`;
  }
  return `lengths ${a.length}, ${b.length}`;
}

/** One image twice: changed by QEMU's tools, and by ours. */
class Pair {
  readonly #theirs: string;
  readonly #mine: string;

  constructor(dir: string, image: string) {
    this.#theirs = image;
    this.#mine = join(dir, 'mine');
    copyFileSync(image, this.#mine);
  }

  /** A step of both, and that the files are the same then. */
  step(text: string): void {
    const [verb = '', ...rest] = text.split(' ');
    if (verb === 'create' || verb === 'apply' || verb === 'delete') this.#snapshot(verb, rest.join(' '));
    else {
      for (const file of [this.#theirs, this.#mine]) {
        if (verb === 'resize') qemuImgOrThrow(['resize', '-q', '-f', 'qcow2', '--shrink', file, ...rest]);
        else qemuIoOrThrow(file, text);
      }
    }
    expect([text, firstDifference(readFileSync(this.#mine), readFileSync(this.#theirs))]).toEqual([text, 'same']);
  }

  /** Changes both images in a way that no tool does, and they stay the same. */
  patch(change: (image: Buffer) => void): void {
    for (const file of [this.#theirs, this.#mine]) {
      const image = readFileSync(file);
      change(image);
      writeFileSync(file, image);
    }
  }

  #snapshot(verb: 'create' | 'apply' | 'delete', name: string): void {
    const { code, stderr } = qemuImg(['snapshot', `-${verb.charAt(0)}`, name, this.#theirs]);
    const device = memoryDeviceOf(readFileSync(this.#theirs));
    const date = readSnapshots(device, openHeader(device)).snapshots.at(-1) ?? { seconds: 0, nanoseconds: 0 };
    const message = ours(this.#mine, (snapshots) =>
      verb === 'create' ? snapshots.create(name, date) : snapshots[verb](name),
    );
    expect([verb, name, stderr, message === '']).toEqual([verb, name, stderr, code === 0]);
  }

  end(): void {
    const { code, stderr } = qemuImg(['check', this.#mine]);
    expect([code, stderr]).toEqual([0, '']);
  }
}

function qemuIoOrThrow(file: string, ...commands: string[]): void {
  const { code, stdout, stderr } = qemuIo(['-f', 'qcow2', ...commands.flatMap((one) => ['-c', one]), file]);
  if (code !== 0 || stdout.includes('failed')) throw new Error(`${commands}: ${stdout}${stderr}`);
}

function replay(recipe: Recipe, steps: readonly string[]): void {
  withTempDir((dir) => {
    const pair = new Pair(dir, makeImage(recipe, dir));
    for (const step of steps) pair.step(step);
    pair.end();
  });
}

const SEQUENCE = [
  'create a',
  'write -P 9 100k 100k',
  'create b',
  'create c',
  'write -P 10 0 70k',
  'delete b',
  'write -z 64k 64k',
  'create a',
  'apply c',
  'write -P 11 200k 64k',
  'apply 1',
  'apply nope',
  'delete nope',
  'create d',
  'delete a',
  'discard 0 128k',
  'delete a',
  'create e',
  'delete d',
  'delete c',
  'delete e',
];

describe('a sequence of operations leaves the same bytes as with qemu-img', () => {
  const smaller = recipes.map((one) => (one.name === 'metadata' ? { ...one, size: '4M' } : one));
  const kinds = smaller.filter(
    ({ name, options = '' }) =>
      !/luks|data_file|refcount_bits=[12]$/.test(options) && !/empty disk|blank|bitmaps/.test(name),
  );
  const lazy = { name: 'lazy refcounts', size: '2M', options: 'lazy_refcounts=on', steps: ['write 0 1M'] };
  test.each([...kinds, lazy].map((recipe) => [recipe.name, recipe] as const))('%s', (_name, recipe) =>
    replay(recipe, SEQUENCE),
  );

  test.each([
    ['1G', '600M', '100M'],
    ['100M', '1G', '2G'],
    ['300k', '100k', '17M'],
  ])('disks of %s, %s and %s', (size, second, third) => {
    for (const options of ['cluster_size=64k', 'extended_l2=on,cluster_size=16k', 'cluster_size=4k']) {
      replay({ name: 'sizes', size, options }, [
        'write -P 1 0 70k',
        'create first',
        `resize ${second}`,
        'write -P 2 50k 50k',
        'create second',
        `resize ${third}`,
        'write -P 3 10k 3k',
        'apply first',
        'create third',
        'apply second',
        'write -P 4 64k 30k',
        'apply third',
        'delete first',
        'apply second',
        'delete second',
        'delete third',
      ]);
    }
  });

  test('many snapshots', () => {
    const names = Array.from({ length: 40 }, (_, i) => `snapshot number ${i} ${'x'.repeat(i * 6)}`);
    replay({ name: 'many', size: '1M', options: 'cluster_size=512' }, [
      'write -P 1 0 300k',
      ...names.flatMap((name, i) => [`create ${name}`, `write -P ${i + 2} ${i}k 512`]),
      ...names.filter((_, i) => i % 3 === 0).map((name) => `delete ${name}`),
      `apply ${names[4]}`,
    ]);
  });
});
