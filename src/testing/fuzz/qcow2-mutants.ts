/**
 * Damaged qcow2 images without end: small images of every kind, made by qemu-img, with a few bytes or numbers of
 * their headers, tables, extensions, snapshot and bitmap tables changed. Mutant n of a seed is always the same.
 */
import { readFileSync } from 'node:fs';
import { makeImage, type Recipe } from '../oracle/qcow2-recipes.ts';
import { Random } from '../random.ts';

/** Small clusters and little data, so that most bytes mean something and thousands a second can be tried. */
const CORPUS: readonly Recipe[] = [
  { name: 'small clusters', size: '300k', options: 'cluster_size=512', steps: ['write 0 9k', 'write 200k 2k'] },
  { name: 'preallocated', size: '200k', options: 'cluster_size=1k,preallocation=metadata', steps: ['write 3k 5k'] },
  { name: 'large clusters', size: '1M', steps: ['write 0 70k'] },
  { name: 'one-bit refcounts', size: '2M', options: 'cluster_size=4k,refcount_bits=1', steps: ['write 0 30k'] },
  {
    name: 'two-bit refcounts',
    size: '1M',
    options: 'cluster_size=1k,refcount_bits=2',
    steps: ['write 0 20k', 'snapshot a', 'write 5k 3k'],
  },
  { name: '64-bit refcounts', size: '200k', options: 'cluster_size=512,refcount_bits=64', steps: ['write 0 30k'] },
  {
    name: 'version 2',
    size: '1M',
    options: 'cluster_size=4k,compat=0.10',
    steps: ['write 5k 20k', 'snapshot a', 'write 0 9k'],
  },
  {
    name: 'zero clusters',
    size: '1M',
    options: 'cluster_size=4k',
    steps: ['write 0 60k', 'write -z 8k 16k', 'write -z -u 32k 8k', 'discard 0 4k'],
  },
  {
    name: 'extended L2',
    size: '2M',
    options: 'cluster_size=16k,extended_l2=on',
    steps: ['write 1k 1k', 'write -z 10k 2k', 'write 100k 40k', 'discard 112k 2k'],
  },
  {
    name: 'snapshots',
    size: '1M',
    options: 'cluster_size=4k',
    steps: ['write 0 20k', 'snapshot a', 'write 8k 30k', 'snapshot b', 'write 0 4k'],
  },
  { name: 'bitmaps', size: '1M', options: 'cluster_size=4k', steps: ['bitmap b0', 'bitmap b1', 'write 0 30k'] },
  { name: 'data file', size: '1M', options: 'cluster_size=4k,data_file=DATA', steps: ['write 0 30k'] },
  {
    name: 'compressed, then overwritten',
    size: '1M',
    options: 'cluster_size=4k',
    steps: ['text 0 60k', 'compress', 'write 8k 8k'],
  },
  {
    name: 'compressed, zstd, small clusters',
    size: '200k',
    options: 'cluster_size=512,compression_type=zstd',
    steps: ['text 0 20k', 'noise 20k 4k', 'compress'],
  },
  {
    name: 'compressed, extended L2',
    size: '1M',
    options: 'cluster_size=16k,extended_l2=on',
    steps: ['text 0 200k', 'compress', 'write 33k 3k'],
  },
  { name: 'luks', size: '1M', options: 'encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=10' },
];
/** Its header of 2 MiB is slow to copy: one mutant in so many. */
const LUKS_ONCE_IN = 300;

interface Sample {
  readonly name: string;
  readonly bytes: Buffer;
  /** Stretches in which a change means most; header and extensions first. */
  readonly tables: readonly { readonly at: number; readonly length: number }[];
}

export interface Mutant {
  readonly name: string;
  readonly bytes: Buffer;
}

function u64(bytes: Buffer, at: number): number {
  return at + 8 <= bytes.length ? Number(bytes.readBigUInt64BE(at) & 0x00ff_ffff_ffff_fe00n) : 0;
}

function tablesOf(bytes: Buffer): Sample['tables'] {
  const clusterSize = 2 ** bytes.readUInt32BE(20);
  const tables = [
    { at: 0, length: 112 },
    { at: 112, length: Math.min(512, clusterSize - 112) },
  ];
  const add = (at: number, length: number): void => {
    if (at > 0 && at < bytes.length) tables.push({ at, length: Math.min(length, bytes.length - at) });
  };
  const l1 = Number(bytes.readBigUInt64BE(40));
  const l1Bytes = Math.min(64, bytes.readUInt32BE(36) * 8);
  add(l1, l1Bytes);
  for (let at = l1; at < l1 + l1Bytes; at += 8) {
    const l2 = u64(bytes, at);
    add(l2, Math.min(256, clusterSize));
    // The first compressed cluster of the table: its data.
    if (l2 > 0 && ((bytes[l2] ?? 0) & 0x40) !== 0) add(bytes.readUIntBE(l2 + 2, 6), 400);
  }
  const refcountTable = Number(bytes.readBigUInt64BE(48));
  add(refcountTable, 24);
  add(u64(bytes, refcountTable), 128);
  const snapshots = Number(bytes.readBigUInt64BE(64));
  add(snapshots, 160);
  // The L1 table of the first snapshot and the beginning of its first L2 table.
  if (snapshots > 0) {
    const inactive = u64(bytes, snapshots);
    add(inactive, 64);
    add(u64(bytes, inactive), 64);
  }
  const bitmaps = bytes.indexOf(Buffer.from('23852875', 'hex'));
  if (bitmaps > 0 && bitmaps < clusterSize) {
    const directory = u64(bytes, bitmaps + 24);
    add(directory, 80);
    add(u64(bytes, directory), 16);
  }
  return tables;
}

/** `dir` has to stay while mutants are used: data files are named by it. */
export function makeCorpus(dir: string): readonly Sample[] {
  return CORPUS.map((recipe, i) => {
    const bytes = readFileSync(makeImage(recipe, dir, `${i}.qcow2`));
    return { name: recipe.name, bytes, tables: tablesOf(bytes) };
  });
}

const TELLING = [0n, 1n, 2n, 0x40n, 0x80n, 0xffn, 0xffff_ffffn, 0x7fff_ffffn, 2n ** 63n, 2n ** 64n - 1n, 0x1_0000n];

function value(random: Random): bigint {
  const kind = random.below(4);
  if (kind === 0) return random.pick(TELLING);
  if (kind === 1) return BigInt(random.below(80)) * 512n;
  // A place in a small file, with a flag or two.
  if (kind === 2) return (BigInt(random.below(64)) << 12n) | (BigInt(random.below(4)) << 62n) | BigInt(random.below(2));
  return (BigInt(random.below(2 ** 32)) << 32n) | BigInt(random.below(2 ** 32));
}

function change(mutant: Buffer, { tables }: Sample, random: Random): void {
  // Few of the changes go to the header: most of those are refused at once.
  const index = random.once(12) ? random.below(2) : 2 + random.below(tables.length - 2);
  const { at, length } = tables[index] ?? { at: 0, length: 8 };
  const width = random.pick([1, 1, 1, 4, 8]);
  const offset = at + Math.floor(random.below(length) / width) * width;
  if (offset + width > mutant.length) return;
  const number = value(random);
  if (width === 8) mutant.writeBigUInt64BE(number, offset);
  else if (width === 4) mutant.writeUInt32BE(Number(number & 0xffff_ffffn), offset);
  // One bit, or the whole byte.
  else if (random.once(2)) mutant[offset] = (mutant[offset] ?? 0) ^ (1 << random.below(8));
  else mutant[offset] = Number(number & 0xffn);
}

/** Mutant `n` of `seed`. */
export function mutantOf(corpus: readonly Sample[], seed: number, n: number): Mutant {
  const random = new Random(seed).fork(n);
  const last = corpus.length - 1;
  const sample = corpus[random.once(LUKS_ONCE_IN) ? last : random.below(last)] as Sample;
  const bytes = Buffer.from(sample.bytes);
  for (let changes = random.between(1, 4); changes > 0; changes--) change(bytes, sample, random);
  const cut = random.once(12) ? random.below(bytes.length) : bytes.length;
  return { name: sample.name, bytes: bytes.subarray(0, cut) };
}
