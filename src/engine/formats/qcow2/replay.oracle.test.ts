/**
 * Random work done by qemu-io and qemu-img and by this engine leaves the same file, byte for byte: on images of every
 * kind, and on new ones with random options.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeImage, type Recipe, recipes } from '../../../testing/oracle/qcow2-recipes.ts';
import { imageInfo, qemuImgOrThrow } from '../../../testing/oracle/qemu-tools.ts';
import {
  drawSteps,
  minimised,
  type ReplayStep,
  replay,
  type StepOptions,
  stepText,
} from '../../../testing/oracle/replay.ts';
import { withTempDir } from '../../../testing/oracle/temp-dir.ts';
import { Random } from '../../../testing/random.ts';
import { runs, seed } from '../../../testing/seed.ts';

/** Replays, and boils a difference down to the steps that it needs. */
function differenceOf(start: string, steps: readonly ReplayStep[], data: string | undefined): string | undefined {
  const difference = replay(start, steps, data);
  if (difference === undefined) return undefined;
  const least = minimised(steps, (fewer) => replay(start, fewer, data) !== undefined);
  return `${replay(start, least, data)}\n  ${least.map(stepText).join('\n  ')}`;
}

type Weights = StepOptions['weights'];

function optionsFor(file: string, weights: Weights, amendments?: StepOptions['amendments']): StepOptions {
  const info = imageInfo(file);
  const size = info['virtual-size'];
  const clusterSize = info['cluster-size'] ?? 65536;
  const span = clusterSize * (clusterSize / (info['format-specific']?.data['extended-l2'] ? 16 : 8));
  const edges = [0, clusterSize, span, 2 * span, size].filter((edge) => edge <= size);
  // Images of two-megabyte clusters grow by what is written to them.
  const most = Math.max(3 * clusterSize, 256 * 1024);
  return { size, clusterSize, edges, weights, most, ...(amendments ? { amendments } : {}) };
}

describe('images of every kind', () => {
  for (const [index, recipe] of recipes.filter(({ name }) => name !== 'luks').entries()) {
    it(recipe.name, () => {
      for (let run = 0; run < runs(1); run++) {
        withTempDir((dir) => {
          const start = makeImage(recipe, dir);
          const data = existsSync(`${start}.data`) ? `${start}.data` : undefined;
          const random = new Random(seed).fork(index * 1000 + run);
          const weights: Weights = recipe.size === '0' ? { io: 1, resize: 2 } : { io: 1 };
          expect(differenceOf(start, drawSteps(random, 6, optionsFor(start, weights)), data)).toBe(undefined);
        });
      }
    });
  }
});

/** Options of a new image, drawn so that most combinations of what matters occur. */
function drawRecipe(random: Random, largest: number): Recipe {
  const sizes = [512, 512, 1024, 4096, 16384, 65536, 65536, 2097152].filter((size) => size <= largest);
  const clusterSize = random.pick(sizes);
  const v2 = random.once(4);
  const extended = !v2 && clusterSize >= 16384 && random.once(2);
  const options = [`cluster_size=${clusterSize}`, `compat=${v2 ? '0.10' : '1.1'}`];
  if (extended) options.push('extended_l2=on');
  if (!v2) options.push(`refcount_bits=${random.pick([1, 2, 4, 8, 16, 32, 64])}`);
  if (!v2 && random.once(5)) options.push('lazy_refcounts=on');
  const backing = random.once(3);
  const prealloc = random.pick(['off', 'off', 'metadata', 'falloc', 'full']);
  if (prealloc !== 'off' && (!backing || extended)) options.push(`preallocation=${prealloc}`);
  if (backing) options.push(`backing_file=${random.pick(['short.raw', 'long.raw', 'base.qcow2'])}`);
  else if (!v2 && random.once(6)) options.push('data_file=DATA');
  const span = clusterSize * (clusterSize / (extended ? 16 : 8));
  const clusters = random.pick(clusterSize > 2 ** 20 ? [1, 2, 3] : [2, 3, 40]);
  const size = span < 2 ** 22 ? Math.min(span * 2 + 3 * clusterSize, 2 ** 21) : clusters * clusterSize;
  return { name: options.join(','), size: `${size + (random.once(3) ? 512 : 0)}`, options: options.join(',') };
}

function withBases(dir: string): void {
  writeFileSync(join(dir, 'short.raw'), Buffer.alloc(100_000, 0x5a));
  writeFileSync(join(dir, 'long.raw'), Buffer.alloc(3_000_000, 0xbb));
  const base = {
    name: '',
    size: '1M',
    options: 'cluster_size=4k',
    steps: ['write 0 100k', 'write -z 8k 8k', 'write 300k 300k'],
  };
  makeImage(base, dir, 'base.qcow2');
}

function startOf(recipe: Recipe, dir: string): { start: string; data: string | undefined } {
  withBases(dir);
  const start = join(dir, 'image.qcow2');
  const options = (recipe.options ?? '')
    .replace('DATA', `${start}.data`)
    .replace(/backing_file=(\w+\.(\w+))/, 'backing_file=$1,backing_fmt=$2');
  qemuImgOrThrow(['create', '-q', '-f', 'qcow2', '-o', options, start, recipe.size], { cwd: dir });
  return { start, data: existsSync(`${start}.data`) ? `${start}.data` : undefined };
}

/** `salt`: every suite draws its own images. */
function replayRandom(salt: number, count: number, weights: Weights, amendments?: StepOptions['amendments']): void {
  for (let run = 0; run < runs(count); run++) {
    const random = new Random(seed).fork(salt + run);
    // Changing the refcounts of large clusters takes qemu-img minutes.
    const recipe = drawRecipe(random, amendments ? 4096 : 2097152);
    withTempDir((dir) => {
      const { start, data } = startOf(recipe, dir);
      const steps = drawSteps(random, random.between(3, 9), optionsFor(start, weights, amendments));
      const difference = differenceOf(start, steps, data);
      expect(difference === undefined ? undefined : `${recipe.size} ${recipe.options}: ${difference}`).toBe(undefined);
    });
  }
}

describe('new images with random options', () => {
  it('writes, zeroes and discards', () => replayRandom(0, 40, { io: 1 }));
  it('with resizing in between', () => replayRandom(10_000, 25, { io: 2, resize: 1 }));
  it('with snapshots in between', () => replayRandom(20_000, 25, { io: 2, snapshot: 2 }));
  it('with amending in between', () =>
    replayRandom(30_000, 15, { io: 2, amend: 1 }, [
      { refcount_bits: '8' },
      { refcount_bits: '64' },
      { refcount_bits: '1' },
      { compat: '1.1' },
      { compat: '0.10' },
      { lazy_refcounts: 'on' },
      { lazy_refcounts: 'off' },
    ]));
  it('with bitmaps in between', () => replayRandom(40_000, 15, { io: 2, bitmap: 2 }));
  it('with everything in turns', () =>
    replayRandom(50_000, 15, { io: 4, resize: 1, snapshot: 2, amend: 1, bitmap: 1 }, [
      { refcount_bits: '16' },
      { refcount_bits: '32' },
      { lazy_refcounts: 'on' },
      { lazy_refcounts: 'off' },
    ]));
});
