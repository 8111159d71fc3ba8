/**
 * qcow2 images of every kind, made by qemu-img and qemu-io: the stock of the suites that open, read, check and
 * damage images.
 */
import { createCipheriv } from 'node:crypto';
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { qemuImgOrThrow, qemuIo } from './qemu-tools.ts';

/** Makes an image: size, -o options, then qemu-io and qemu-img steps. */
export interface Recipe {
  readonly name: string;
  readonly size: string;
  readonly options?: string;
  readonly steps?: readonly string[];
}

export const recipes: readonly Recipe[] = [
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
  {
    name: 'compressed text, zstd',
    size: '4M',
    options: 'compression_type=zstd',
    steps: ['text 0 1M', 'noise 1M 128k', 'text 3M 70k', 'compress', 'write 256k 5k'],
  },
  {
    name: 'compressed text, small clusters, zstd',
    size: '300k',
    options: 'cluster_size=512,compression_type=zstd',
    steps: ['text 0 100k', 'noise 100k 20k', 'write 200k 50k', 'compress'],
  },
  {
    name: 'compressed text, large clusters',
    size: '9M',
    options: 'cluster_size=2M',
    steps: ['text 0 3M', 'text 7M 100k', 'compress'],
  },
  { name: 'compressed text, version 2', size: '2M', options: 'compat=0.10', steps: ['text 70k 900k', 'compress'] },
  {
    name: 'compressed text, extended L2',
    size: '2M',
    options: 'extended_l2=on,cluster_size=32k',
    steps: ['text 0 900k', 'compress', 'write 33k 3k', 'write -z 70k 2k'],
  },
  { name: 'luks', size: '4M', options: 'encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=10' },
];

/** Numbers in words: deflate finds much to do in it, and no two clusters are alike. */
function textFile(dir: string): string {
  const file = join(dir, 'text');
  const line = (i: number): string => `${i} ${(i * 7919) % 1000} ${i % 3 ? 'twenty' : 'thousand and one'}\n`;
  writeFileSync(file, Array.from({ length: 50_000 }, (_, i) => line(i)).join(''));
  return file;
}

/** Bytes that nothing can compress, the same every time. */
function noiseFile(dir: string): string {
  const file = join(dir, 'noise');
  const bytes = createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16)).update(Buffer.alloc(1 << 20));
  writeFileSync(file, bytes);
  return file;
}

/** The qemu-io command of a step: `write` has a pattern, `text` and `noise` come from files. */
function ioCommand(step: string, dir: string): string {
  const [verb, ...rest] = step.split(' ');
  if (verb === 'text') return `write -s ${textFile(dir)} ${rest.join(' ')}`;
  if (verb === 'noise') return `write -s ${noiseFile(dir)} ${rest.join(' ')}`;
  return /^write (?:-z|-P)/.test(step) ? step : step.replace(/^write /, 'write -P 7 ');
}

/** Makes `name` in `dir`; the folder is the current one for names of data files. */
export function makeImage({ size, options, steps = [] }: Recipe, dir: string, name = 'image.qcow2'): string {
  const file = join(dir, name);
  const secret = options?.includes('luks') ? ['--object', 'secret,id=s,data=x'] : [];
  const list = options === undefined ? [] : ['-o', options.replace('DATA', join(dir, `${name}.data`))];
  qemuImgOrThrow(['create', '-q', '-f', 'qcow2', ...secret, ...list, file, size]);
  // Converting makes an image of the same kind.
  const kept = options === undefined ? [] : ['-o', options];
  for (const step of steps) {
    const [verb, argument = ''] = step.split(' ');
    if (verb === 'snapshot') qemuImgOrThrow(['snapshot', '-c', argument, file]);
    else if (verb === 'bitmap') qemuImgOrThrow(['bitmap', '--add', file, argument]);
    else if (verb === 'compress') {
      qemuImgOrThrow(['convert', '-c', '-f', 'qcow2', '-O', 'qcow2', ...kept, file, `${file}.c`]);
      copyFileSync(`${file}.c`, file);
    } else {
      const { code, stdout, stderr } = qemuIo(['-f', 'qcow2', '-c', ioCommand(step, dir), file]);
      if (code !== 0) throw new Error(`${step}: ${stdout}${stderr}`);
    }
  }
  return file;
}
