/**
 * Damaged and hostile images: headers, tables, extensions, snapshot and bitmap tables, compressed data. Whatever is
 * done to them, opening, describing, mapping, reading and checking end in an answer or a DiskwrightError, soon. The
 * guest's bytes of images that open are those that qemu-io reads, where both can read them.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, it } from 'vitest';
import { mapDisk } from '../../../jobs/map.ts';
import { makeImage, recipes } from '../../../testing/oracle/qcow2-recipes.ts';
import { qemuImg } from '../../../testing/oracle/qemu-tools.ts';
import { withTempDir } from '../../../testing/oracle/temp-dir.ts';
import { runs, seed } from '../../../testing/seed.ts';
import { MemoryDevice, memoryDeviceOf } from '../../device/memory.ts';
import { DiskwrightError } from '../../errors.ts';
import { readGuest } from '../../image/access.ts';
import { checkImage } from './check/check.ts';
import { openImage } from './image.ts';
import { describeImage } from './info.ts';
import { openHeader } from './open-header.ts';

/** One operation on one mutant. Far above what any takes: a busy machine must not decide. */
const MOST_MS = 5000;
const MOST_MAP_ENTRIES = 20_000;

/** Small images, so that most of their bytes mean something. */
const SMALL = [
  'falloc with small clusters',
  'one-bit refcounts',
  'two-bit refcounts',
  'version 2',
  'zero clusters',
  'extended L2',
  'snapshots',
  'bitmaps',
  'compressed, then overwritten',
  'compressed text, zstd',
  'compressed text, small clusters, zstd',
  'compressed text, extended L2',
  'luks',
];

interface Sample {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Stretches in which a change means most. */
  readonly tables: readonly { readonly at: number; readonly length: number }[];
}

function u64(bytes: Buffer, at: number): number {
  return at + 8 <= bytes.length ? Number(bytes.readBigUInt64BE(at) & 0x00ff_ffff_ffff_fe00n) : 0;
}

function tablesOf(bytes: Buffer): Sample['tables'] {
  const clusterSize = 2 ** bytes.readUInt32BE(20);
  const tables = [
    { at: 0, length: 112 },
    { at: 112, length: 512 },
  ];
  const add = (at: number, length: number): void => {
    if (at > 0 && at + length <= bytes.length) tables.push({ at, length });
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
  add(refcountTable, 64);
  add(u64(bytes, refcountTable), 128);
  add(Number(bytes.readBigUInt64BE(64)), 200);
  const bitmaps = bytes.indexOf(Buffer.from('23852875', 'hex'));
  if (bitmaps > 0 && bitmaps < clusterSize) add(u64(bytes, bitmaps + 24), 80);
  return tables.filter(({ at, length }) => at + length <= bytes.length);
}

const samples: readonly Sample[] = SMALL.map((name) => {
  const recipe = recipes.find((one) => one.name === name);
  if (!recipe) throw new Error(`there is no recipe "${name}"`);
  return withTempDir((dir) => {
    const bytes = readFileSync(makeImage(recipe, dir));
    return { name, bytes, tables: tablesOf(bytes) };
  });
});

/** A change: a byte, or a whole number at an aligned place. */
const change = fc.record({
  table: fc.nat(1_000_000),
  place: fc.nat(1_000_000),
  width: fc.constantFrom(1, 1, 1, 4, 8),
  value: fc.oneof(
    fc.constantFrom(0n, 1n, 2n, 0x40n, 0x80n, 0xffn, 0xffff_ffffn, 0x7fff_ffffn, 2n ** 63n, 2n ** 64n - 1n, 0x1_0000n),
    fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    fc.nat(40).map((n) => BigInt(n) * 512n),
  ),
});
const mutation = fc.record({
  sample: fc.nat(samples.length - 1),
  changes: fc.array(change, { minLength: 1, maxLength: 4 }),
  cut: fc.oneof(
    { weight: 9, arbitrary: fc.constant(null) },
    { weight: 1, arbitrary: fc.double({ min: 0, max: 1, noNaN: true }) },
  ),
});
type Mutation = typeof mutation extends fc.Arbitrary<infer T> ? T : never;

function mutate({ sample, changes, cut }: Mutation): { name: string; bytes: Uint8Array } {
  const { name, bytes, tables } = samples[sample] as Sample;
  const mutant = Buffer.from(bytes);
  for (const { table, place, width, value } of changes) {
    // Few of the changes go to the header: most of those are refused at once.
    const index = table % 16 === 0 ? (table >> 4) % 2 : 2 + (table % (tables.length - 2));
    const { at, length } = tables[index] as Sample['tables'][number];
    const offset = at + Math.floor((place % length) / width) * width;
    if (offset + width > mutant.length) continue;
    if (width === 8) mutant.writeBigUInt64BE(value, offset);
    else if (width === 4) mutant.writeUInt32BE(Number(value & 0xffff_ffffn), offset);
    else mutant[offset] = Number(value & 0xffn);
  }
  return { name, bytes: cut === null ? mutant : mutant.subarray(0, Math.floor(cut * mutant.length)) };
}

const tally = { mutants: 0, opened: 0, 'read in part': 0, slowest: 0 };

/** Why the latest operation was refused, to understand a failure. */
let refusal = '';

/** What the operation gave; undefined where it was refused in words. */
function orRefused<T>(operation: () => T): T | undefined {
  const started = performance.now();
  try {
    return operation();
  } catch (error) {
    if (!(error instanceof DiskwrightError)) throw error;
    refusal = error.message;
    return undefined;
  } finally {
    const took = performance.now() - started;
    tally.slowest = Math.max(tally.slowest, took);
    expect(took).toBeLessThan(MOST_MS);
  }
}

function drain<T>(steps: Iterable<T>, most: number): void {
  let count = 0;
  for (const _ of steps) if (++count >= most) return;
}

afterAll(() => console.log(tally));

it('mutants are opened, described, mapped, read and checked without harm', () => {
  const into = new Uint8Array(200_000);
  fc.assert(
    fc.property(mutation, (one) => {
      const { bytes } = mutate(one);
      const device = memoryDeviceOf(bytes);
      tally.mutants++;
      orRefused(() => openHeader(device));
      orRefused(() => describeImage(device));
      // An image that asks for a data file gets one: reading goes on.
      const image = orRefused(() => openImage({ image: device, data: new MemoryDevice() }));
      if (image) {
        tally.opened++;
        orRefused(() => drain(mapDisk([image], 0, image.virtualSize), MOST_MAP_ENTRIES));
        for (const share of [0, 0.001, 0.1, 0.5, 0.999]) {
          const at = Math.floor(image.virtualSize * share);
          const length = Math.min(into.length, image.virtualSize - at);
          const done = orRefused(() => {
            readGuest([image], at, into.subarray(0, length));
            return true;
          });
          if (!done) tally['read in part']++;
        }
      }
      orRefused(() => drain(checkImage(device), 5000));
    }),
    { numRuns: runs(2500), seed, endOnFailure: true },
  );
  expect(tally.opened).toBeGreaterThan(tally.mutants / 2);
});

it('what opens reads as it does in qemu-img', () => {
  withTempDir((dir) => {
    const file = join(dir, 'mutant.qcow2');
    const twin = join(dir, 'twin.raw');
    let compared = 0;
    fc.assert(
      fc.property(mutation, (one) => {
        const { name, bytes } = mutate(one);
        const device = memoryDeviceOf(bytes);
        const image = orRefused(() => openImage({ image: device }));
        // Whoever names a backing or data file is refused here and there for other reasons.
        if (name === 'luks' || !image || image.virtualSize > 64 * 2 ** 20 || bytes[15] || bytes[79]) return;
        writeFileSync(file, bytes);
        const { code, stderr } = qemuImg(['convert', '-q', '-f', 'qcow2', '-O', 'raw', file, twin]);
        refusal = '';
        const ours = orRefused(() => {
          const disk = Buffer.alloc(image.virtualSize);
          for (let at = 0; at < disk.length; at += 2 ** 20) readGuest([image], at, disk.subarray(at, at + 2 ** 20));
          return disk;
        });
        if (code === 0 && ours) expect(readFileSync(twin).equals(ours)).toBe(true);
        else if ((code === 0) !== (ours !== undefined))
          throw new Error(`${name}: "${refusal}" here, "${stderr}" there`);
        compared++;
      }),
      { numRuns: runs(250), seed, endOnFailure: true },
    );
    expect(compared).toBeGreaterThan(50);
  });
});
