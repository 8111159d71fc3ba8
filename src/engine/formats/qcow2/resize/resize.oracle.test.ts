/** Sizes that change: the file afterwards is the one that qemu-img leaves, byte for byte. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { qemuImg, qemuImgOrThrow, qemuIo } from '../../../../testing/oracle/qemu-tools.ts';
import { finish, type ReplayStep, replay, stepText } from '../../../../testing/oracle/replay.ts';
import { withTempDir } from '../../../../testing/oracle/temp-dir.ts';
import { Random } from '../../../../testing/random.ts';
import { runs, seed } from '../../../../testing/seed.ts';
import { memoryDeviceOf } from '../../../device/memory.ts';
import type { Preallocation } from '../../../image/writable.ts';
import { qcow2Editor } from '../editor.ts';

const KiB = 1024;
const MiB = 1024 * KiB;

interface Shape {
  readonly name: string;
  /** Options of create, without a size. */
  readonly options?: string;
  readonly clusterSize: number;
  /** Bytes that one L2 table maps. */
  readonly span: number;
  /** What the image rests on: its bytes are all 0x5a. */
  readonly backing?: number;
  readonly dataFile?: boolean;
}

const shape = (name: string, clusterSize: number, options: string, entryBytes = 8): Shape => ({
  name,
  clusterSize,
  span: (clusterSize * clusterSize) / entryBytes,
  options: `cluster_size=${clusterSize}${options === '' ? '' : `,${options}`}`,
});

const shapes: readonly Shape[] = [
  shape('clusters of 512 bytes', 512, ''),
  shape('clusters of 512 bytes, 64-bit refcounts', 512, 'refcount_bits=64'),
  shape('clusters of 1 KiB, 1-bit refcounts', KiB, 'refcount_bits=1'),
  shape('clusters of 4 KiB', 4 * KiB, ''),
  shape('clusters of 4 KiB, 64-bit refcounts', 4 * KiB, 'refcount_bits=64'),
  shape('version 2', 4 * KiB, 'compat=0.10'),
  shape('clusters of 64 KiB', 64 * KiB, ''),
  shape('lazy refcounts', 64 * KiB, 'lazy_refcounts=on'),
  shape('clusters of 2 MiB', 2 * MiB, ''),
  shape('extended L2, clusters of 16 KiB', 16 * KiB, 'extended_l2=on', 16),
  shape('extended L2, clusters of 64 KiB', 64 * KiB, 'extended_l2=on', 16),
  { ...shape('over a longer image', 4 * KiB, ''), backing: 3 * MiB },
  { ...shape('over a shorter image', 4 * KiB, ''), backing: 100 * KiB },
  { ...shape('over a longer image, extended L2', 16 * KiB, 'extended_l2=on', 16), backing: 3 * MiB },
  { ...shape('with a data file', 4 * KiB, 'data_file=image.data'), dataFile: true },
  { ...shape('with a raw data file', 4 * KiB, 'data_file=image.data,data_file_raw=on'), dataFile: true },
  { ...shape('with a data file, extended L2', 16 * KiB, 'data_file=image.data,extended_l2=on', 16), dataFile: true },
];

interface Life {
  readonly size: number;
  readonly steps: readonly ReplayStep[];
}

function run({ options, backing, dataFile }: Shape, dir: string, { size, steps }: Life): string | undefined {
  const start = join(dir, 'image');
  const below: string[] = [];
  if (backing !== undefined) {
    qemuImgOrThrow(['create', '-q', '-f', 'raw', 'base.raw', `${backing}`], { cwd: dir });
    qemuIo(['-f', 'raw', '-c', `write -P 0x5a 0 ${backing}`, 'base.raw'], { cwd: dir });
    below.push('-b', 'base.raw', '-F', 'raw');
  }
  qemuImgOrThrow(['create', '-q', '-f', 'qcow2', '-o', options ?? '', ...below, start, `${size}`], { cwd: dir });
  const difference = replay(start, steps, dataFile ? join(dir, 'image.data') : undefined);
  if (difference === undefined) return undefined;
  return [`create ${options} ${size}`, ...steps.map(stepText), difference].join('\n');
}

const MODES: readonly Preallocation[] = ['off', 'metadata', 'falloc', 'full'];
const resize = (from: number, to: number, preallocation: Preallocation = 'off'): ReplayStep => ({
  kind: 'resize',
  size: to,
  preallocation,
  shrink: to < from,
});
const write = (at: number, length: number, pattern = 0x41): ReplayStep => ({
  kind: 'io',
  operations: [{ kind: 'write', at, length, pattern }],
});

describe('once over every edge', () => {
  for (const one of shapes) {
    it(one.name, () => {
      const { clusterSize, span } = one;
      const edges = [clusterSize, ...(span <= 8 * MiB ? [span] : [])];
      const starts = edges.flatMap((edge) => [edge - 512, edge, edge + 512]).filter((size) => size > 0);
      for (const from of starts) {
        for (const mode of MODES) {
          const written = write(Math.max(0, from - 1000), Math.min(1000, from));
          for (const to of starts.filter((size) => size > from)) {
            const steps = [written, resize(from, to, mode), resize(to, from), resize(from, 3 * to, mode)];
            expect(withTempDir((dir) => run(one, dir, { size: from, steps }))).toBe(undefined);
          }
        }
      }
    });
  }
});

/** Sizes, and writes and zeroes between them. */
function drawLife(random: Random, { clusterSize, span }: Shape): Life {
  const most = Math.min(24 * MiB, 5 * span);
  const anySize = (): number => {
    const edge = random.pick([clusterSize, span]) * random.between(1, 3);
    const near = edge + 512 * random.between(-3, 3);
    const size = random.once(2) && near <= most ? near : 512 * random.between(1, Math.floor(most / 512));
    return Math.max(512, size);
  };
  const start = anySize();
  const steps: ReplayStep[] = [];
  for (let size = start, left = random.between(2, 8); left > 0; left--) {
    if (random.once(3)) {
      const at = random.below(size);
      const length = Math.min(size - at, random.between(1, 6 * clusterSize), 2 * MiB);
      steps.push({
        kind: 'io',
        operations: [
          random.once(4)
            ? { kind: 'zero', at, length, unmap: random.once(2) }
            : { kind: 'write', at, length, pattern: random.between(1, 255) },
        ],
      });
      continue;
    }
    const to = anySize();
    if (to === size) continue;
    steps.push(resize(size, to, to > size ? random.pick(MODES) : 'off'));
    size = to;
  }
  return { size: start, steps };
}

describe('random sequences of sizes', () => {
  for (const [i, one] of shapes.entries()) {
    it(one.name, () => {
      const random = new Random(seed + i);
      for (let run_ = 0; run_ < runs(12); run_++) {
        const life = drawLife(random, one);
        expect(withTempDir((dir) => run(one, dir, life))).toBe(undefined);
      }
    });
  }
});

describe('what a disk has grown by reads as zeros, even where its clusters held something; qemu-img shows the old bytes', () => {
  /** The same growth by both; what each disk shows in [from, to). */
  const grown = (
    file: string,
    from: number,
    to: number,
    preallocation: Preallocation,
  ): [ours: string, qemu: string] => {
    const device = memoryDeviceOf(readFileSync(file));
    const image = qcow2Editor.openWritable({ image: device });
    finish(image.resize?.({ size: to, preallocation }));
    image.close();
    const bytes = new Uint8Array(device.size);
    device.read(0, bytes);
    writeFileSync(`${file}.ours`, bytes);
    qemuImgOrThrow(['resize', '-q', `--preallocation=${preallocation}`, file, `${to}`]);
    const read = ['-f', 'qcow2', '-c', `read -P 0 ${from} ${to - from}`];
    expect(qemuImg(['check', `${file}.ours`]).code).toBe(0);
    return [qemuIo([...read, `${file}.ours`]).stdout, qemuIo([...read, file]).stdout];
  };

  it('metadata', () => {
    withTempDir((dir) => {
      const file = join(dir, 'image');
      qemuImgOrThrow(['create', '-q', '-f', 'qcow2', '-o', 'cluster_size=512', file, '512']);
      qemuIo(['-f', 'qcow2', '-c', 'write -P 65 0 512', file]);
      qemuImgOrThrow(['resize', '-q', '--preallocation=metadata', file, '33280']);
      qemuImgOrThrow(['resize', '-q', '--shrink', file, '512']);
      const [ours, qemu] = grown(file, 512, 99840, 'metadata');
      expect(ours).not.toContain('failed');
      expect(qemu).toContain('failed');
    });
  });

  it.each(['falloc', 'full'] as const)('%s', (mode) => {
    withTempDir((dir) => {
      const file = join(dir, 'image');
      qemuImgOrThrow(['create', '-q', '-f', 'qcow2', '-o', 'cluster_size=4k', file, '64k']);
      const image = readFileSync(file);
      writeFileSync(file, Buffer.concat([image, Buffer.alloc(20 * 4096 - image.length, 0xee)]));
      const [ours, qemu] = grown(file, 65536, 131072, mode);
      expect(ours).not.toContain('failed');
      expect(qemu).toContain('failed');
    });
  });
});

describe('version 2 over a longer image', () => {
  const old: Shape = { ...shape('', 4 * KiB, 'compat=0.10'), backing: 3 * MiB };
  const accepted = [resize(3584, 4096), resize(4608, 8192, 'metadata'), resize(4096, 90112, 'falloc')];
  for (const step of accepted) {
    it(`is resized where no entry has to be zero: ${stepText(step)}`, () => {
      const size = step.kind === 'resize' && step.size === 4096 ? 3584 : step === accepted[1] ? 4608 : 4096;
      expect(withTempDir((dir) => run(old, dir, { size, steps: [step] }))).toBe(undefined);
    });
  }
  it('is refused where one has, as by qemu-img', () => {
    for (const step of [resize(4096, 8192), resize(4608, 20000 * 512, 'metadata')]) {
      // A step that only one of both refuses is a difference.
      expect(withTempDir((dir) => run(old, dir, { size: 4096, steps: [step] }))).toBe(undefined);
    }
  });
});
