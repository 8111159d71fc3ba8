/** Options that change: the file afterwards is the one that qemu-img leaves, byte for byte, and so are the refusals. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { qemuImg, qemuImgOrThrow, qemuIo } from '../../../../testing/oracle/qemu-tools.ts';
import { finish, type ReplayStep, replay, stepText } from '../../../../testing/oracle/replay.ts';
import { withTempDir } from '../../../../testing/oracle/temp-dir.ts';
import { Random } from '../../../../testing/random.ts';
import { runs, seed } from '../../../../testing/seed.ts';
import { memoryDeviceOf } from '../../../device/memory.ts';
import { qcow2Editor } from '../editor.ts';

const MiB = 1024 * 1024;

const amend = (text: string): ReplayStep => ({
  kind: 'amend',
  texts: Object.fromEntries(text.split(',').map((pair) => pair.split(/=(.*)/s).slice(0, 2))),
});
const write = (at: number, length: number, pattern = 0x41): ReplayStep => ({
  kind: 'io',
  operations: [{ kind: 'write', at, length, pattern }],
});
const zero = (at: number, length: number, unmap = false): ReplayStep => ({
  kind: 'io',
  operations: [{ kind: 'zero', at, length, unmap }],
});
const snapshot = (name: string): ReplayStep => ({ kind: 'snapshot', action: 'create', name });

interface Start {
  readonly options?: string;
  readonly size: string;
  /** Megabytes of an image full of one byte that this one rests on. */
  readonly backing?: number;
  readonly dataFile?: boolean;
}

function run({ options = '', size, backing, dataFile }: Start, steps: readonly ReplayStep[]): string | undefined {
  return withTempDir((dir) => {
    const start = join(dir, 'image');
    const below: string[] = [];
    if (backing) {
      qemuImgOrThrow(['create', '-q', '-f', 'raw', 'base.raw', `${backing}M`], { cwd: dir });
      qemuIo(['-f', 'raw', '-c', `write -P 0x5a 0 ${backing}M`, 'base.raw'], { cwd: dir });
      below.push('-b', 'base.raw', '-F', 'raw');
    }
    const list = options === '' ? [] : ['-o', options];
    qemuImgOrThrow(['create', '-q', '-f', 'qcow2', ...list, ...below, start, size], { cwd: dir });
    const difference = replay(start, steps, dataFile ? join(dir, 'image.data') : undefined);
    if (difference === undefined) return undefined;
    return [`create ${options} ${size}`, ...steps.map(stepText), difference].join('\n');
  });
}

const accepted: readonly (readonly [name: string, start: Start, steps: readonly ReplayStep[]])[] = [
  ['nothing new', { size: '1M' }, [amend('compat=1.1,size=0')]],
  [
    'up and down',
    { size: '1M', options: 'compat=0.10' },
    [amend('compat=1.1'), amend('compat=0.10'), amend('compat=v3')],
  ],
  ['down with small clusters', { size: '1M', options: 'cluster_size=512' }, [write(5, 70_000), amend('compat=v2')]],
  ['lazy refcounts', { size: '1M' }, [amend('lazy_refcounts=on'), write(0, 70_000), amend('lazy_refcounts=off')]],
  ['lazy refcounts on the way up', { size: '1M', options: 'compat=0.10' }, [amend('compat=1.1,lazy_refcounts=on')]],
  ['lazy refcounts on the way down', { size: '1M', options: 'lazy_refcounts=on' }, [write(0, 9), amend('compat=0.10')]],
  ['a larger disk', { size: '1M' }, [write(0, 9), amend('size=3G'), write(2 ** 31, 9)]],
  ['a smaller disk', { size: '9M' }, [write(0, 9 * MiB), amend('size=1M')]],
  [
    'a size with an upgrade and snapshots',
    { size: '1M', options: 'compat=0.10' },
    [write(0, 9), snapshot('a'), amend('compat=1.1,size=2M')],
  ],
  [
    'zstd goes where nothing is compressed',
    { size: '1M', options: 'compression_type=zstd' },
    [write(0, 9), amend('compat=0.10')],
  ],
  [
    'another name for the data file',
    { size: '1M', options: 'data_file=image.data', dataFile: true },
    [amend('data_file=image.data'), write(0, 9)],
  ],
  ['no name for the data file', { size: '1M', options: 'data_file=image.data', dataFile: true }, [amend('data_file=')]],
  [
    'a data file that is raw no more',
    { size: '1M', options: 'data_file=image.data,data_file_raw=on', dataFile: true },
    [amend('data_file_raw=off'), write(0, 9)],
  ],
  [
    'the backing image that it has',
    { size: '1M', backing: 3 },
    [amend('backing_file=base.raw,backing_fmt=raw,lazy_refcounts=on')],
  ],
  [
    'zero clusters on the way down',
    { size: '4M' },
    [
      write(0, 2 * MiB),
      zero(64 * 1024, 256 * 1024),
      zero(MiB, MiB, true),
      zero(3 * MiB, MiB),
      amend('compat=0.10'),
      write(0, 9),
    ],
  ],
  [
    'zero clusters over a backing image on the way down',
    { size: '4M', backing: 3 },
    [
      write(0, 2 * MiB),
      zero(64 * 1024, 256 * 1024),
      zero(MiB, MiB, true),
      zero(3 * MiB, MiB),
      amend('compat=0.10'),
      write(0, 9),
    ],
  ],
  [
    'zero clusters of snapshots on the way down',
    { size: '2M', backing: 3 },
    [
      write(0, MiB),
      zero(0, 70_000),
      zero(MiB, 200_000),
      snapshot('a'),
      write(0, 9),
      snapshot('b'),
      amend('compat=0.10'),
    ],
  ],
  [
    'zero clusters of shared tables',
    { size: '2M', options: 'cluster_size=4k', backing: 3 },
    [write(0, MiB), zero(0, 70_000, true), zero(MiB, 200_000), snapshot('a'), snapshot('b'), amend('compat=0.10')],
  ],
  [
    'width and version at once',
    { size: '1M', options: 'refcount_bits=32' },
    [write(0, MiB), amend('compat=0.10,refcount_bits=16')],
  ],
  [
    'width and version up',
    { size: '1M', options: 'compat=0.10' },
    [write(0, MiB), amend('compat=1.1,refcount_bits=1')],
  ],
];

describe('amended as by qemu-img', () => {
  for (const [name, start, steps] of accepted) it(name, () => expect(run(start, steps)).toBe(undefined));
});

describe('refcount widths', () => {
  const starts: readonly (readonly [string, Start, readonly ReplayStep[]])[] = [
    ['an empty disk', { size: '1M' }, []],
    ['clusters of 512 bytes', { size: '3M', options: 'cluster_size=512' }, [write(100, 2 * MiB)]],
    ['clusters of 512 bytes, everything taken', { size: '3M', options: 'cluster_size=512,preallocation=falloc' }, []],
    [
      'clusters of 4 KiB with gaps',
      { size: '64M', options: 'cluster_size=4k' },
      [write(0, 9 * MiB), zero(MiB, 7 * MiB, true)],
    ],
    ['extended L2', { size: '9M', options: 'extended_l2=on,cluster_size=16k' }, [write(0, MiB)]],
    ['lazy refcounts', { size: '9M', options: 'lazy_refcounts=on,cluster_size=1k' }, [write(0, MiB)]],
  ];
  for (const [name, start, steps] of starts) {
    it(name, () => {
      const random = new Random(seed);
      const widths = ['1', '2', '4', '8', '16', '32', '64'];
      const order = [...widths, ...random.shuffled(widths)].map((bits) => amend(`refcount_bits=${bits}`));
      expect(run(start, [...steps, ...order])).toBe(undefined);
    });
  }
  it('with snapshots, which narrow ones cannot count', () => {
    const steps = [write(0, MiB), snapshot('a'), write(0, 70_000), snapshot('b'), snapshot('c')];
    for (const bits of ['64', '8', '4', '32']) {
      expect(
        run({ size: '2M', options: 'cluster_size=1k' }, [...steps, amend(`refcount_bits=${bits}`), write(9, 9)]),
      ).toBe(undefined);
    }
  });
});

describe('refused as by qemu-img, with nothing changed', () => {
  const cases: readonly (readonly [string, Start, readonly ReplayStep[], string])[] = [
    ['unknown level', { size: '1M' }, [], 'compat=0.9'],
    ['width that is no power of two', { size: '1M' }, [], 'refcount_bits=3'],
    ['width of nothing', { size: '1M' }, [], 'refcount_bits=0'],
    ['width that counts too little', { size: '1M' }, [write(0, 9), snapshot('a')], 'refcount_bits=1'],
    [
      'width that counts too little, with an upgrade',
      { size: '1M', options: 'compat=0.10' },
      [write(0, 9), snapshot('a')],
      'compat=1.1,refcount_bits=1',
    ],
    ['width in version 2', { size: '1M', options: 'compat=0.10' }, [], 'refcount_bits=8'],
    ['width kept on the way down', { size: '1M', options: 'refcount_bits=8' }, [], 'compat=0.10'],
    ['lazy refcounts in version 2', { size: '1M', options: 'compat=0.10' }, [], 'lazy_refcounts=on'],
    ['cluster size', { size: '1M' }, [], 'cluster_size=64k'],
    ['preallocation', { size: '1M' }, [], 'preallocation=metadata'],
    ['extended L2', { size: '1M' }, [], 'extended_l2=on'],
    ['compression type', { size: '1M' }, [], 'compression_type=zstd'],
    ['encryption', { size: '1M' }, [], 'encrypt.format=luks'],
    ['file attribute', { size: '1M' }, [], 'nocow=on'],
    ['unknown option', { size: '1M' }, [], 'foo=1'],
    ['size that is no size', { size: '1M' }, [], 'size=x'],
    ['size with a part of a sector', { size: '1M' }, [], 'size=513'],
    ['size beyond the limit', { size: '1M', options: 'cluster_size=512' }, [], 'size=200G'],
    ['data file for one without', { size: '1M' }, [], 'data_file=d'],
    ['raw data file', { size: '1M', options: 'data_file=image.data', dataFile: true }, [], 'data_file_raw=on'],
    ['data file on the way down', { size: '1M', options: 'data_file=image.data', dataFile: true }, [], 'compat=0.10'],
    ['another backing image', { size: '1M', backing: 3 }, [], 'backing_file=other'],
    ['a backing image without its format', { size: '1M', backing: 3 }, [], 'backing_file=base.raw'],
    [
      'another backing image, with an upgrade',
      { size: '1M', backing: 3, options: 'compat=0.10' },
      [],
      'compat=1.1,backing_file=other',
    ],
    ['extended L2 on the way down', { size: '1M', options: 'extended_l2=on' }, [], 'compat=0.10'],
    ['snapshots of another size on the way down', { size: '1M' }, [snapshot('a')], 'size=2M,compat=0.10'],
    ['size with snapshots of version 2', { size: '1M', options: 'compat=0.10' }, [snapshot('a')], 'size=2M'],
    ['size with snapshots on the way down from it', { size: '1M' }, [snapshot('a')], 'compat=0.10,size=512k'],
  ];
  for (const [name, { options = '', size, backing, dataFile }, steps, text] of cases) {
    it(name, () => {
      withTempDir((dir) => {
        const file = join(dir, 'image');
        const below = backing ? ['-u', '-b', 'base.raw', '-F', 'raw'] : [];
        qemuImgOrThrow(
          ['create', '-q', '-f', 'qcow2', ...(options === '' ? [] : ['-o', options]), ...below, file, size],
          {
            cwd: dir,
          },
        );
        if (steps.length > 0) {
          expect(replay(file, steps)).toBe(undefined);
          qemuImgOrThrow(['convert', '-f', 'raw', '-O', 'raw', `${file}.qemu`, file]);
        }
        if (backing) qemuImgOrThrow(['create', '-q', '-f', 'raw', 'base.raw', '1M'], { cwd: dir });
        const before = readFileSync(file);
        const image = memoryDeviceOf(before);
        const data = dataFile ? memoryDeviceOf(readFileSync(join(dir, 'image.data'))) : undefined;
        const opened = qcow2Editor.openWritable({ image, data });
        const step = amend(text) as Extract<ReplayStep, { kind: 'amend' }>;
        expect(() => finish(opened.amend?.(step.texts))).toThrow(/^(?!internal error)/);
        opened.close();
        const after = new Uint8Array(image.size);
        image.read(0, after);
        expect(Buffer.from(after).equals(before)).toBe(true);
        expect(qemuImg(['amend', '-o', text, file], { cwd: dir }).code).toBe(1);
      });
    });
  }
});

const AMENDMENTS =
  'compat=0.10 compat=1.1 lazy_refcounts=on lazy_refcounts=off refcount_bits=1 refcount_bits=8 refcount_bits=16 refcount_bits=64 size=1M size=5M';

describe('random sequences', () => {
  for (const [i, options] of [
    '',
    'cluster_size=512',
    'cluster_size=4k,compat=0.10',
    'refcount_bits=64,cluster_size=1k',
  ].entries()) {
    for (const backing of [undefined, 1]) {
      it(`${options} ${backing ? 'over an image' : ''}`, () => {
        const random = new Random(seed + i);
        for (let round = 0; round < runs(8); round++) {
          let names = 0;
          const steps = Array.from({ length: random.between(2, 8) }, (): ReplayStep => {
            if (!random.once(3)) return amend(random.pick(AMENDMENTS.split(' ')));
            const at = random.below(MiB);
            const length = random.between(1, Math.min(200_000, MiB - at));
            if (random.once(3)) return zero(at, length, random.once(2));
            // Taken last: what shares clusters with a snapshot differs on the way down, see below.
            if (random.once(9)) return snapshot(`s${names++}`);
            return write(at, length, random.between(1, 255));
          });
          const last = steps.findIndex(({ kind }) => kind === 'snapshot');
          const kept = last < 0 ? steps : [...steps.filter(({ kind }) => kind !== 'snapshot'), snapshot('s')];
          expect(run({ size: '2M', options, ...(backing ? { backing } : {}) }, kept)).toBe(undefined);
        }
      });
    }
  }
});
