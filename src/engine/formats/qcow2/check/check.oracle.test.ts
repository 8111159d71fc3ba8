/**
 * The check against `qemu-img check`: sound images of every kind, then the same images with damaged tables.
 * Numbers must agree, not only the verdict.
 */
import { closeSync, copyFileSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NodeReadDevice } from '../../../../platform/node/file-device.ts';
import { qemuImg, qemuImgOrThrow, qemuIo } from '../../../../testing/oracle/qemu-tools.ts';
import { withTempDir } from '../../../../testing/oracle/temp-dir.ts';
import { runs, seed } from '../../../../testing/seed.ts';
import { DiskwrightError } from '../../../errors.ts';
import { checkAtOnce } from './check.ts';

interface Verdict {
  readonly corruptions: number;
  readonly leaks: number;
  readonly allocated: number;
  readonly fragmented: number;
  readonly compressed: number;
  readonly total: number;
  readonly end: number;
}

/** The image as an option string, with the secret that a LUKS one needs. */
const imageOptions = (file: string): string[] => [
  '--object',
  'secret,id=s,data=x',
  '--image-opts',
  `driver=qcow2,file.filename=${file}${isEncrypted(file) ? ',encrypt.key-secret=s' : ''}`,
];

const isEncrypted = (file: string): boolean => readFileSync(file).readUInt32BE(32) === 2;

function theirs(file: string): Verdict | 'refused' {
  const { code, stdout } = qemuImg(['check', '--output=json', ...imageOptions(file)]);
  if (code === 1) return 'refused';
  const json = JSON.parse(stdout) as Record<string, number>;
  if (json['check-errors']) return 'refused';
  return {
    corruptions: json.corruptions ?? 0,
    leaks: json.leaks ?? 0,
    allocated: json['allocated-clusters'] ?? 0,
    fragmented: json['fragmented-clusters'] ?? 0,
    compressed: json['compressed-clusters'] ?? 0,
    total: json['total-clusters'] ?? 0,
    end: json['image-end-offset'] ?? 0,
  };
}

function ours(file: string): { verdict: Verdict | 'refused'; words: string } {
  const device = new NodeReadDevice(openSync(file, 'r'), file);
  try {
    const report = checkAtOnce(device);
    const verdict = {
      corruptions: report.corruptions,
      leaks: report.leaks,
      allocated: report.allocatedClusters,
      fragmented: report.fragmentedClusters,
      compressed: report.compressedClusters,
      total: report.totalClusters,
      end: report.imageEndOffset,
    };
    return { verdict, words: report.findings.map((one) => `${one.severity}: ${one.text}`).join('\n') };
  } catch (error) {
    if (error instanceof DiskwrightError) return { verdict: 'refused', words: error.message };
    throw error;
  } finally {
    device.close();
  }
}

/** Makes an image: size, -o options, then qemu-io and qemu-img steps. */
interface Recipe {
  readonly name: string;
  readonly size: string;
  readonly options?: string;
  readonly steps?: readonly string[];
}

const recipes: readonly Recipe[] = [
  { name: 'blank', size: '10G' },
  { name: 'empty disk', size: '0' },
  { name: 'metadata', size: '40M', options: 'preallocation=metadata' },
  { name: 'falloc with small clusters', size: '3M', options: 'cluster_size=512,preallocation=falloc' },
  {
    name: 'metadata with table growth',
    size: '2M',
    options: 'cluster_size=512,refcount_bits=64,preallocation=metadata',
  },
  {
    name: 'one-bit refcounts',
    size: '8M',
    options: 'cluster_size=4k,refcount_bits=1',
    steps: ['write 0 1M', 'write 3M 9k'],
  },
  {
    name: 'two-bit refcounts',
    size: '8M',
    options: 'cluster_size=1k,refcount_bits=2',
    steps: ['write 0 1M', 'snapshot a'],
  },
  { name: 'four-bit refcounts', size: '8M', options: 'cluster_size=2k,refcount_bits=4', steps: ['write 1M 700k'] },
  { name: 'eight-bit refcounts', size: '8M', options: 'refcount_bits=8', steps: ['write 0 3M', 'discard 64k 128k'] },
  { name: '32-bit refcounts', size: '8M', options: 'refcount_bits=32', steps: ['write 0 3M'] },
  { name: 'version 2', size: '8M', options: 'compat=0.10', steps: ['write 5k 200k', 'snapshot a', 'write 0 1M'] },
  {
    name: 'written here and there',
    size: '64M',
    steps: ['write 10M 1M', 'write 0 100k', 'write 63M 64k', 'write 5M 3'],
  },
  {
    name: 'zero clusters',
    size: '8M',
    steps: ['write 0 2M', 'write -z 64k 256k', 'write -z -u 1M 256k', 'discard 0 64k'],
  },
  {
    name: 'extended L2',
    size: '64M',
    options: 'extended_l2=on',
    steps: ['write 4k 4k', 'write -z 10k 2k', 'write 1M 3M', 'discard 2M 20k'],
  },
  {
    name: 'extended L2 preallocated',
    size: '5243392',
    options: 'extended_l2=on,preallocation=metadata',
    steps: ['write 70k 2k'],
  },
  { name: 'snapshots', size: '16M', steps: ['write 0 1M', 'snapshot a', 'write 512k 2M', 'snapshot b', 'write 0 64k'] },
  { name: 'bitmaps', size: '16M', steps: ['bitmap b0', 'bitmap b1', 'write 0 3M'] },
  { name: 'data file', size: '4M', options: 'data_file=DATA', steps: ['write 0 1M', 'write 2M 64k'] },
  { name: 'compressed', size: '8M', steps: ['write 0 3M', 'write 4M 1M', 'compress'] },
  { name: 'compressed, then overwritten', size: '8M', steps: ['write 0 3M', 'compress', 'write 64k 128k'] },
  { name: 'luks', size: '4M', options: 'encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=10' },
];

function make({ size, options, steps = [] }: Recipe, dir: string): string {
  const file = join(dir, 'image.qcow2');
  const secret = options?.includes('luks') ? ['--object', 'secret,id=s,data=x'] : [];
  const list = options === undefined ? [] : ['-o', options.replace('DATA', join(dir, 'data.raw'))];
  qemuImgOrThrow(['create', '-q', '-f', 'qcow2', ...secret, ...list, file, size]);
  for (const step of steps) {
    const [verb, argument = ''] = step.split(' ');
    if (verb === 'snapshot') qemuImgOrThrow(['snapshot', '-c', argument, file]);
    else if (verb === 'bitmap') qemuImgOrThrow(['bitmap', '--add', file, argument]);
    else if (verb === 'compress') {
      qemuImgOrThrow(['convert', '-c', '-f', 'qcow2', '-O', 'qcow2', file, `${file}.c`]);
      copyFileSync(`${file}.c`, file);
    } else {
      const { code, stdout, stderr } = qemuIo([
        '-f',
        'qcow2',
        '-c',
        step.replace('write ', 'write -P 7 ').replace('-P 7 -z', '-z'),
        file,
      ]);
      if (code !== 0) throw new Error(`${step}: ${stdout}${stderr}`);
    }
  }
  return file;
}

/** The beginnings of the L1 table, its L2 tables and the first refcount block. */
function tablesOf(file: string): { at: number; length: number }[] {
  const bytes = readFileSync(file);
  const clusterSize = 2 ** bytes.readUInt32BE(20);
  const tables: { at: number; length: number }[] = [];
  const add = (at: number, length: number): void => {
    if (at > 0 && at + length <= bytes.length + clusterSize) tables.push({ at, length });
  };
  const l1 = Number(bytes.readBigUInt64BE(40));
  const l1Bytes = Math.min(bytes.readUInt32BE(36) * 8, 512);
  add(l1, l1Bytes);
  for (let at = l1; at < l1 + l1Bytes && at + 8 <= bytes.length; at += 8) {
    add(Number(bytes.readBigUInt64BE(at) & 0x00ff_ffff_ffff_fe00n), Math.min(clusterSize, 512));
  }
  const table = Number(bytes.readBigUInt64BE(48));
  add(Number(bytes.readBigUInt64BE(table)), Math.min(clusterSize, 128));
  return tables;
}

describe('sound images', () => {
  for (const recipe of recipes) {
    it(recipe.name, () => {
      withTempDir((dir) => {
        const file = make(recipe, dir);
        const { verdict, words } = ours(file);
        expect({ verdict, words }).toEqual({ verdict: theirs(file), words: '' });
      });
    });
  }
});

describe('damaged images', () => {
  for (const recipe of recipes) {
    it(recipe.name, () => {
      withTempDir((dir) => {
        const file = make(recipe, dir);
        const damaged = join(dir, 'damaged.qcow2');
        const tables = tablesOf(file);
        const damage = fc.array(
          fc.record({
            table: fc.nat(tables.length - 1),
            place: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
            byte: fc.oneof(fc.constantFrom(0, 1, 2, 0x80, 0xff), fc.nat(255)),
          }),
          { minLength: 1, maxLength: 3 },
        );
        fc.assert(
          fc.property(damage, (edits) => {
            copyFileSync(file, damaged);
            const fd = openSync(damaged, 'r+');
            for (const { table, place, byte } of edits) {
              const { at, length } = tables[table] ?? { at: 24, length: 1 };
              writeSync(fd, Uint8Array.of(byte), 0, 1, at + Math.floor(place * length));
            }
            closeSync(fd);
            const { verdict, words } = ours(damaged);
            expect({ verdict, words }).toEqual({ verdict: theirs(damaged), words });
          }),
          { numRuns: runs(25), seed, endOnFailure: true },
        );
      });
    });
  }
});
