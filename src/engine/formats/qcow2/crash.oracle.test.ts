/**
 * Crashes at every point of random work. Whatever was cut, and in whatever order the writes between two flushes
 * reached the medium: the image opens, nothing in it is corrupt, what was flushed is there, and what was being written
 * is old or new, sector by sector.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { CrashLife, type LifeShape, newTally, type Tally } from '../../../testing/crash/crash-life.ts';
import { CrashStates } from '../../../testing/crash/crash-states.ts';
import { FEATURES, type Feature } from '../../../testing/crash/features.ts';
import { FlatDevice } from '../../../testing/crash/flat-device.ts';
import { type Order, RecordingDevice } from '../../../testing/crash/recording-device.ts';
import { qemuImg } from '../../../testing/oracle/qemu-tools.ts';
import { withTempDir } from '../../../testing/oracle/temp-dir.ts';
import { Random } from '../../../testing/random.ts';
import { runs, seed } from '../../../testing/seed.ts';
import { filledImage, newImage, openForWriting } from '../../../testing/writable/qcow2-images.ts';

const KIB = 1024;

/** Small caches: tables make room in the middle of the work. */
const tight = (clusterSize: number): Readonly<Record<string, string>> => ({
  'l2-cache-size': `${2 * clusterSize}`,
  'l2-cache-entry-size': `${clusterSize}`,
  'refcount-cache-size': `${4 * clusterSize}`,
});

const guest = { write: 10, zero: 3, discard: 3, flush: 2, reopen: 1 };

const shapes: readonly LifeShape[] = [
  {
    name: 'plain, 512-byte clusters',
    texts: { cluster_size: '512' },
    size: 96 * KIB,
    operations: 40,
    weights: { ...guest, compressed: 3 },
  },
  {
    name: 'wide refcounts and tight caches',
    texts: { cluster_size: '512', refcount_bits: '64' },
    size: 128 * KIB,
    settings: tight(512),
    operations: 40,
    weights: { ...guest, grow: 2, shrink: 1, compressed: 2 },
  },
  {
    name: 'snapshots',
    texts: { cluster_size: '512', refcount_bits: '8' },
    size: 96 * KIB,
    settings: tight(512),
    operations: 40,
    weights: { ...guest, snapshot: 4, apply: 3, delete: 3, compressed: 2 },
  },
  {
    name: 'snapshots of several sizes, over a backing image',
    texts: { cluster_size: '1024' },
    size: 128 * KIB,
    backingSectors: 200,
    operations: 40,
    weights: { ...guest, snapshot: 4, apply: 3, delete: 2, grow: 3, shrink: 2 },
  },
  {
    name: 'lazy refcounts',
    texts: { cluster_size: '512', lazy_refcounts: 'on' },
    size: 96 * KIB,
    operations: 30,
    weights: { ...guest, snapshot: 2, delete: 1, grow: 1 },
  },
  {
    name: 'version 2 over a backing image',
    texts: { cluster_size: '512', compat: '0.10' },
    size: 96 * KIB,
    backingSectors: 150,
    operations: 40,
    weights: { ...guest, snapshot: 2, delete: 2 },
  },
  {
    name: 'extended L2',
    texts: { cluster_size: '16384', extended_l2: 'on' },
    size: 256 * KIB,
    operations: 25,
    weights: { ...guest, snapshot: 2, apply: 1, delete: 1 },
  },
  {
    name: 'resizing with every preallocation',
    texts: { cluster_size: '512', refcount_bits: '16' },
    size: 64 * KIB,
    operations: 40,
    weights: { ...guest, grow: 8, shrink: 4 },
  },
  {
    name: 'refcount widths and bitmaps',
    texts: { cluster_size: '1024' },
    size: 96 * KIB,
    operations: 30,
    weights: { ...guest, width: 3, bitmap: 3, snapshot: 1 },
  },
  {
    name: 'one-bit refcounts',
    texts: { cluster_size: '512', refcount_bits: '1' },
    size: 96 * KIB,
    operations: 30,
    weights: { ...guest, snapshot: 1, compressed: 3 },
  },
];

const l1Growth: LifeShape = {
  name: 'growing again and again',
  texts: { cluster_size: '512' },
  size: 64 * KIB,
  operations: 40,
  weights: { write: 4, flush: 2, grow: 12, shrink: 8 },
  focus: ['L1 growth'],
};

/** The refcount table of one cluster is almost full: a few writes, and it moves. */
const tableGrowth: LifeShape = {
  name: 'refcount table growth',
  texts: { cluster_size: '512', refcount_bits: '64' },
  size: 2048 * KIB,
  operations: 8,
  weights: { write: 6, flush: 1 },
  focus: ['refcount table growth'],
  start: () => almostFullTable(),
};

let almostFull: FlatDevice | undefined;
function almostFullTable(): FlatDevice {
  if (!almostFull) {
    // 64 blocks of 64 counts each is what a table of 512 bytes finds.
    const image = filledImage({ cluster_size: '512', refcount_bits: '64' }, 2048 * KIB, 64 * 64 - 8);
    almostFull = new FlatDevice();
    const bytes = new Uint8Array(image.size);
    image.read(0, bytes);
    almostFull.write(0, bytes);
  }
  return almostFull;
}

function live(shape: LifeShape, run: number, tally: Tally, order: Order = 'true'): string | undefined {
  return new CrashLife(shape, new Random(seed).fork(run), tally, order).run();
}

function print(tally: Tally): void {
  const line = (feature: Feature): string =>
    `${feature}: ${tally.events.get(feature) ?? 0} times, ${tally.hits.get(feature) ?? 0} cuts`;
  console.log(
    `${tally.cuts} cuts (${tally.reordered} reordered), ${tally.leaky} with leaks, ${tally.unmarked} with unmarked ` +
      `entries, ${tally.refused} refusals\n  ${FEATURES.map(line).join('\n  ')}`,
  );
}

it('a crash leaves leaks at worst, and what was flushed', () => {
  const tally = newTally();
  const faults: string[] = [];
  const lives = (shape: LifeShape, count: number, first: number): void => {
    for (let run = 0; run < runs(count) && faults.length === 0; run++) {
      const fault = live(shape, first + run, tally);
      if (fault) faults.push(fault);
    }
  };
  for (const [i, shape] of shapes.entries()) lives(shape, 14, 1000 * i);
  lives(tableGrowth, 320, 50_000);
  lives(l1Growth, 42, 60_000);
  print(tally);
  expect(faults).toEqual([]);
  expect(tally.cuts).toBeGreaterThan(10_000);
  expect(tally.reordered).toBeGreaterThan(2000);
  const rare = FEATURES.filter((feature) => (tally.hits.get(feature) ?? 0) < 200);
  expect(rare).toEqual([]);
  // These also happened so often, each with cuts inside.
  const often = ['L1 growth', 'refcount table growth', 'L2 copy on write', 'snapshot create', 'resize up'] as const;
  expect(often.filter((feature) => (tally.events.get(feature) ?? 0) < 200)).toEqual([]);
});

it.each(['flushes dropped', 'writes swapped'] as const)('an engine with its %s is found out', (order) => {
  const found = shapes.filter((shape) => {
    for (let run = 0; run < 5; run++) if (live(shape, 20_000 + run, newTally(), order)) return true;
    return false;
  });
  expect(found.length).toBeGreaterThan(shapes.length / 2);
});

it('qemu-img finds no corruption in what a crash leaves either', () => {
  withTempDir((dir) => {
    const path = join(dir, 'crashed.qcow2');
    const random = new Random(seed);
    const verdicts: string[] = [];
    for (let run = 0; run < runs(6); run++) {
      const texts = { cluster_size: '512', refcount_bits: random.pick(['8', '16', '64']), size: '98304' };
      const file = new FlatDevice();
      const made = newImage(texts);
      const bytes = new Uint8Array(made.size);
      made.read(0, bytes);
      file.write(0, bytes);
      const recorder = new RecordingDevice(file);
      const states = new CrashStates(file);
      const image = openForWriting({ image: recorder }, { texts: tight(512) });
      for (let i = 0; i < 20; i++) {
        const at = 512 * random.below(180);
        if (random.once(4)) image.zero(at, 2048, true);
        else image.write(at, new Uint8Array(512 * random.between(1, 12)).fill(i + 1));
        if (random.once(6)) image.flush();
        for (const event of recorder.take()) {
          states.advance(event);
          if (!random.once(8)) continue;
          writeFileSync(
            path,
            (random.once(2) || states.uncertain < 2 ? states.written() : states.inPart(random)).bytes,
          );
          const { code, stdout, stderr } = qemuImg(['check', '-f', 'qcow2', path]);
          verdicts.push(code === 0 || code === 3 ? 'sound' : `${code}: ${stdout}${stderr}`);
        }
      }
    }
    expect(verdicts.filter((verdict) => verdict !== 'sound')).toEqual([]);
    expect(verdicts.length).toBeGreaterThan(30);
  });
});
