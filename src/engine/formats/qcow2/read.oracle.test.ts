/**
 * Reading against qemu-img: every kind of image, every edge, chains of every make. A raw copy made by
 * `qemu-img convert` says what the guest sees.
 */
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeImage, recipes } from '../../../testing/oracle/qcow2-recipes.ts';
import { qemuImgOrThrow, qemuIo } from '../../../testing/oracle/qemu-tools.ts';
import { openTwin, rawTwin } from '../../../testing/oracle/read-back.ts';
import { withTempDirAsync } from '../../../testing/oracle/temp-dir.ts';
import { runs, seed } from '../../../testing/seed.ts';
import { DiskwrightError } from '../../errors.ts';

function write(file: string, ...commands: string[]): void {
  const { code, stdout, stderr } = qemuIo(['-f', 'qcow2', ...commands.flatMap((one) => ['-c', one]), file]);
  if (code !== 0 || stdout.includes('failed')) throw new Error(`${commands}: ${stdout}${stderr}`);
}

describe('whole disks', () => {
  // 10 GiB of nothing take long to read in pieces; the grid reads at its edges.
  for (const recipe of recipes.filter(({ name }) => name !== 'blank' && name !== 'luks')) {
    it(recipe.name, async () => {
      await withTempDirAsync(async (dir) => {
        const file = makeImage(recipe, dir);
        const { size, differs, close } = await openTwin(file, rawTwin(file));
        expect(differs(0, size)).toBe(-1);
        const stretch = fc.tuple(fc.nat(Math.max(0, size - 1)), fc.integer({ min: 1, max: 200_000 }));
        fc.assert(
          fc.property(stretch, ([at, length]) => differs(at, Math.min(length, size - at)) === -1),
          { numRuns: size === 0 ? 1 : runs(50), seed },
        );
        close();
      });
    });
  }
});

interface Shape {
  readonly clusterSize: number;
  readonly extended?: boolean;
  readonly compat?: string;
}

const shapes: readonly Shape[] = [
  ...[512, 4096, 65536, 2097152].flatMap((clusterSize) => ['1.1', '0.10'].map((compat) => ({ clusterSize, compat }))),
  { clusterSize: 16384, extended: true },
  { clusterSize: 65536, extended: true },
  { clusterSize: 2097152, extended: true },
];

describe('edges', () => {
  for (const { clusterSize, extended = false, compat = '1.1' } of shapes) {
    it(`${clusterSize}-byte clusters${extended ? ', extended L2' : ''}, compat ${compat}`, async () => {
      await withTempDirAsync(async (dir) => {
        const file = join(dir, 'image.qcow2');
        const edge = clusterSize * (clusterSize / (extended ? 16 : 8));
        const options = `cluster_size=${clusterSize},compat=${compat}${extended ? ',extended_l2=on' : ''}`;
        qemuImgOrThrow(['create', '-q', '-f', 'qcow2', '-o', options, file, `${edge + 4 * clusterSize + 512}`]);
        const unit = extended ? clusterSize / 32 : 512;
        // Out of order, so that host runs break; one cluster left out, one of zeros where the version has them.
        write(
          file,
          ...[2, -2, 0, -1].map((i, n) => `write -P ${n + 1} ${edge + i * clusterSize} ${clusterSize}`),
          `write -P 9 0 ${3 * clusterSize}`,
          `write -P 10 ${edge + 3 * clusterSize + 512} ${unit}`,
          `write -P 11 ${edge + 4 * clusterSize} 512`,
          ...(compat === '1.1' ? [`write -z ${clusterSize} ${clusterSize}`, `write -z ${edge + unit} ${unit}`] : []),
        );
        const { size, differs, close } = await openTwin(file, rawTwin(file));
        const places = [0, clusterSize, 2 * clusterSize, edge - clusterSize, edge, edge + clusterSize];
        const marks = [...places, edge + unit, edge + 2 * unit, edge + 3 * clusterSize, size - clusterSize, size];
        const lengths = [1, 511, 512, 513, unit, clusterSize - 1, clusterSize, clusterSize + 1, 3 * clusterSize];
        const wrong: string[] = [];
        for (const at of marks.flatMap((mark) => [mark - 1, mark, mark + 1])) {
          if (at < 0 || at >= size) continue;
          for (const length of lengths) {
            const difference = differs(at, Math.min(length, size - at));
            if (difference >= 0) wrong.push(`${length} bytes at ${at}: byte ${difference}`);
          }
        }
        expect(wrong).toEqual([]);
        close();
      });
    });
  }
});

/** Overlays on top of `base`, each written to at its own places. */
function stack(dir: string, layers: readonly { options?: string; size: string; steps: readonly string[] }[]): string {
  let below = 'base.raw';
  qemuImgOrThrow(['create', '-q', '-f', 'raw', join(dir, below), '1000k']);
  qemuIo(['-f', 'raw', '-c', 'write -P 0xbb 0 700k', '-c', 'write -P 0xbc 990k 10k', join(dir, below)]);
  for (const [i, { options, size, steps }] of layers.entries()) {
    const name = `layer${i}.qcow2`;
    const list = options === undefined ? [] : ['-o', options];
    const format = i === 0 ? 'raw' : 'qcow2';
    const file = join(dir, name);
    qemuImgOrThrow(['create', '-q', '-f', 'qcow2', ...list, '-b', below, '-F', format, file, size]);
    write(file, ...steps);
    below = name;
  }
  return join(dir, below);
}

describe('chains', () => {
  const five = [
    { size: '2M', steps: ['write -P 1 0 100k', 'write -P 2 1500k 100k'] },
    { size: '1300k', options: 'cluster_size=4k', steps: ['write -P 3 50k 9k', 'write -z 200k 64k'] },
    { size: '3M', options: 'compat=0.10', steps: ['write -P 4 64k 64k', 'write -P 5 1280k 64k'] },
    { size: '2M', options: 'extended_l2=on', steps: ['write -P 6 3k 3k', 'write -z 100k 2k', 'write -P 7 1999k 1k'] },
    { size: '4M', options: 'cluster_size=512', steps: ['write -P 8 600k 700', 'discard 64k 4k', 'write -P 9 3M 1k'] },
  ];

  for (let depth = 1; depth <= five.length; depth++) {
    it(`${depth} overlays of different sizes and kinds over a raw image`, async () => {
      await withTempDirAsync(async (dir) => {
        const file = stack(dir, five.slice(0, depth));
        const { size, differs, close } = await openTwin(file, rawTwin(file));
        expect(differs(0, size)).toBe(-1);
        fc.assert(
          fc.property(fc.nat(size - 1), fc.integer({ min: 1, max: 300_000 }), (at, length) => {
            return differs(at, Math.min(length, size - at)) === -1;
          }),
          { numRuns: runs(100), seed },
        );
        close();
      });
    });
  }

  it('an overlay of a compressed image', async () => {
    await withTempDirAsync(async (dir) => {
      const base = makeImage({ name: '', size: '2M', steps: ['text 0 1500k', 'compress'] }, dir, 'base.qcow2');
      const file = join(dir, 'top.qcow2');
      qemuImgOrThrow(['create', '-q', '-f', 'qcow2', '-b', base, '-F', 'qcow2', file]);
      write(file, 'write -P 1 10k 1k', 'write -P 2 640k 300k');
      const { size, differs, close } = await openTwin(file, rawTwin(file));
      expect(differs(0, size)).toBe(-1);
      close();
    });
  });
});

describe('broken entries', () => {
  /** An image of four clusters with data; entry 1 of its L2 table is changed. */
  async function withEntry(compat: string, change: (entry: bigint) => bigint): Promise<string> {
    return await withTempDirAsync(async (dir) => {
      const file = join(dir, 'image.qcow2');
      qemuImgOrThrow(['create', '-q', '-f', 'qcow2', '-o', `compat=${compat}`, file, '256k']);
      write(file, 'write -P 1 0 64k', 'write -P 2 64k 64k', 'write -P 3 128k 128k');
      const twin = rawTwin(file);
      const bytes = readFileSync(file);
      const place = Number(bytes.readBigUInt64BE(Number(bytes.readBigUInt64BE(40))) & 0x00ff_ffff_ffff_fe00n) + 8;
      bytes.writeBigUInt64BE(change(bytes.readBigUInt64BE(place)), place);
      writeFileSync(file, bytes);
      const io = (at: string): boolean =>
        qemuIo(['-r', '-f', 'qcow2', '-c', `read ${at} 64k`, file]).stdout.includes('failed');
      const { differs, close } = await openTwin(file, twin);
      try {
        // What lies around it stays readable, here and there.
        expect([differs(0, 65536), differs(131072, 131072), io('0'), io('128k')]).toEqual([-1, -1, false, false]);
        const same = differs(65536, 65536);
        expect(io('64k')).toBe(false);
        return same === -1 ? 'same' : 'other bytes';
      } catch (error) {
        if (!(error instanceof DiskwrightError)) throw error;
        expect(io('64k')).toBe(true);
        return `${error.kind}: ${error.message}`;
      } finally {
        close();
      }
    });
  }

  it.each([
    ['1.1', 'reserved bits', (entry: bigint) => entry | (1n << 57n) | 4n, /^same$/],
    ['1.1', 'a zero flag', (entry: bigint) => entry | 1n, /^other bytes$/],
    ['0.10', 'a zero flag', (entry: bigint) => entry | 1n, /^corrupt: .*zero cluster in a version 2 image/],
    ['0.10', 'a zero flag alone', () => 1n, /^corrupt: .*zero cluster in a version 2 image/],
    ['1.1', 'an unaligned offset', (entry: bigint) => entry + 512n, /^corrupt: .*not at the start of a cluster/],
    ['1.1', 'an offset behind the end of the file', () => (1n << 63n) | (1n << 40n), /^other bytes$/],
    [
      '1.1',
      'compressed data that are none',
      (entry: bigint) => (entry & (2n ** 62n - 1n)) | (1n << 62n),
      /^corrupt: .*deflate/,
    ],
  ])('compat %s, %s', async (compat, _name, change, outcome) => {
    expect(await withEntry(compat, change)).toMatch(outcome);
  });
});

describe('raw images', () => {
  it.each([0, 1, 511, 512, 513, 100_000])('%d bytes', async (length) => {
    await withTempDirAsync(async (dir) => {
      const file = join(dir, 'disk.raw');
      qemuImgOrThrow(['create', '-q', '-f', 'raw', file, '128k']);
      qemuIo(['-f', 'raw', '-c', 'write -P 0x5a 0 128k', file]);
      truncateSync(file, length);
      const { size, differs, close } = await openTwin(file, rawTwin(file, 'raw'), 'raw');
      expect(size).toBe(Math.ceil(length / 512) * 512);
      expect(differs(0, size)).toBe(-1);
      close();
    });
  });
});
