/**
 * The repair against `qemu-img check -r`: images of every kind with damaged tables. Both repair a copy; numbers and
 * exit codes must agree, qemu-img must find ours as sound as its own afterwards, and the disk reads as before.
 */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { makeImage, type Recipe, recipes } from '../../../../testing/oracle/qcow2-recipes.ts';
import { qemuImg, qemuIo } from '../../../../testing/oracle/qemu-tools.ts';
import { withTempDir } from '../../../../testing/oracle/temp-dir.ts';
import { runs, seed } from '../../../../testing/seed.ts';
import { type MemoryDevice, memoryDeviceOf } from '../../../device/memory.ts';
import { DiskwrightError } from '../../../errors.ts';
import type { RepairMode, RepairReport } from '../../../image/report.ts';
import { openHeader } from '../open-header.ts';
import { repairDirty, repairImage } from './repair.ts';

/** In the terms of `qemu-img check`. */
interface Verdict {
  readonly code: number;
  readonly corruptions: number;
  readonly leaks: number;
  readonly corruptionsFixed: number;
  readonly leaksFixed: number;
}

const FAILED: Verdict = { code: 1, corruptions: 0, leaks: 0, corruptionsFixed: 0, leaksFixed: 0 };

/** The image as an option string, with the secret that a LUKS one needs. */
const imageOptions = (file: string): string[] => [
  '--object',
  'secret,id=s,data=x',
  '--image-opts',
  `driver=qcow2,file.filename=${file}${readFileSync(file).readUInt32BE(32) === 2 ? ',encrypt.key-secret=s' : ''}`,
];

function theirs(file: string, mode?: RepairMode): Verdict & { readonly words: string } {
  const repair = mode === undefined ? [] : ['-r', mode];
  const { code, stdout, stderr } = qemuImg(['check', '--output=json', ...repair, ...imageOptions(file)]);
  if (code === 1) return { ...FAILED, words: stderr };
  const json = JSON.parse(stdout) as Record<string, number>;
  return {
    code,
    corruptions: json.corruptions ?? 0,
    leaks: json.leaks ?? 0,
    corruptionsFixed: json['corruptions-fixed'] ?? 0,
    leaksFixed: json['leaks-fixed'] ?? 0,
    words: stderr,
  };
}

function repairAtOnce(device: MemoryDevice, mode: RepairMode): RepairReport {
  const steps = repairImage(device, mode);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

function ours(device: MemoryDevice, mode: RepairMode): Verdict & { readonly words: string } {
  try {
    const { found, corruptionsFixed, leaksFixed, refused, again } = repairAtOnce(device, mode);
    const words = [...found.findings, ...(again?.findings ?? [])]
      .map((one) => `${one.severity}${one.repaired ? ' repaired' : ''}: ${one.text}`)
      .join('\n');
    const { corruptions, leaks, failures } = again ?? found;
    if (refused !== undefined || failures > 0) return { ...FAILED, words };
    const code = corruptions > 0 ? 2 : leaks > 0 ? 3 : 0;
    return { code, corruptions, leaks, corruptionsFixed, leaksFixed, words };
  } catch (error) {
    if (error instanceof DiskwrightError) return { ...FAILED, words: error.message };
    throw error;
  }
}

interface Table {
  readonly at: number;
  readonly length: number;
}

/** Header fields, the beginnings of every table, and the tables that only some images have. */
function tablesOf(bytes: Buffer): readonly Table[] {
  const clusterSize = 2 ** bytes.readUInt32BE(20);
  const tables: Table[] = [];
  const add = (at: number, length: number): void => {
    if (at > 0 && at + length <= bytes.length + clusterSize) tables.push({ at, length });
  };
  const place = (at: number): number => Number(bytes.readBigUInt64BE(at) & 0x00ff_ffff_ffff_fe00n);
  const l1 = place(40);
  const l1Bytes = Math.min(bytes.readUInt32BE(36) * 8, 64);
  add(l1, l1Bytes);
  for (let at = l1; at < l1 + l1Bytes && at + 8 <= bytes.length; at += 8) add(place(at), Math.min(clusterSize, 256));
  add(place(48), 16);
  add(place(place(48)), 64);
  add(place(64), 160);
  return tables;
}

const tally = { compared: 0, repaired: 0, rebuilt: 0, refused: 0, 'better than QEMU': 0 };
afterAll(() => console.log(tally));

const edit = fc.record({
  table: fc.nat(1000),
  place: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
  byte: fc.oneof(fc.constantFrom(0, 1, 2, 0x80, 0xff), fc.nat(255)),
});

/** Both repair the same image; what each makes of it, and what qemu-img says of ours. */
function compareRepair(mutant: Buffer, mode: RepairMode, dir: string): void {
  const damaged = join(dir, 'damaged.qcow2');
  const repaired = join(dir, 'repaired.qcow2');
  const device = memoryDeviceOf(mutant);
  const mine = ours(device, mode);
  writeFileSync(damaged, mutant);
  const qemu = theirs(damaged, mode);
  tally.compared++;
  if (mine.code === 1) tally.refused++;
  else if (mine.words.includes('Rebuilding')) tally.rebuilt++;
  else if (mine.corruptionsFixed + mine.leaksFixed > 0) tally.repaired++;
  writeFileSync(repaired, bytesOf(device));
  const judged = theirs(repaired);
  // Blocks at places where no block can be make QEMU give up, and L1 tables too long to be any; ours goes on.
  if (qemu.code === 1 && mine.code !== 1) {
    tally['better than QEMU']++;
    expect(qemu.words).toMatch(/Refblock offset|writing refblock|overlaps with inactive L1 table/);
    expect([judged.code, judged.corruptions, judged.leaks]).toEqual([mine.code, mine.corruptions, mine.leaks]);
    return;
  }
  // Places beyond 8 EiB, which QEMU's own arithmetic does not survive.
  if (qemu.words.includes('Cannot allocate memory')) return;
  // The header taken for an L2 table: what it means depends on where the new refcounts are.
  if (mine.words.includes('Rebuilding') && mine.words.includes('L2 table at 0,')) return;
  const { words, ...verdict } = mine;
  const { words: said, ...expected } = qemu;
  // QEMU counts references into clusters that its own new refcounts have just made part of the file.
  if (/Rebuilding|too short|too much/.test(words) && words.includes('beyond the end')) {
    tally['better than QEMU'] += mine.corruptions < qemu.corruptions ? 1 : 0;
    expect(mine.corruptions).toBeLessThanOrEqual(qemu.corruptions);
  } else expect({ verdict, words, said }).toEqual({ verdict: expected, words, said });
  if (mine.code === 1) return;
  expect([judged.corruptions, judged.leaks, judged.words]).toEqual([mine.corruptions, mine.leaks, judged.words]);
}

function bytesOf(device: MemoryDevice): Buffer {
  const bytes = Buffer.alloc(device.size);
  for (let at = 0; at < bytes.length; at += 2 ** 20) device.read(at, bytes.subarray(at, at + 2 ** 20));
  return bytes;
}

for (const mode of ['all', 'leaks'] as const) {
  describe(`-r ${mode}`, () => {
    for (const recipe of recipes.filter(({ name }) => name !== 'blank' && !name.startsWith('metadata'))) {
      it(recipe.name, () => {
        withTempDir((dir) => {
          const bytes = readFileSync(makeImage(recipe, dir));
          const tables = tablesOf(bytes);
          fc.assert(
            fc.property(fc.array(edit, { minLength: 1, maxLength: 3 }), (edits) => {
              const mutant = Buffer.from(bytes);
              for (const { table, place, byte } of edits) {
                const { at, length } = tables[table % tables.length] as Table;
                const offset = at + Math.floor(place * length);
                if (offset < mutant.length) mutant[offset] = byte;
              }
              compareRepair(mutant, mode, dir);
            }),
            { numRuns: runs(12), seed, endOnFailure: true },
          );
        });
      });
    }
  });
}

/** Damage of a kind that single bytes seldom make. */
const KINDS: readonly {
  readonly name: string;
  readonly recipe: Recipe;
  readonly damage: (bytes: Buffer) => Buffer | undefined;
}[] = [
  {
    name: 'a snapshot entry with too little extra data',
    recipe: { name: '', size: '1M', steps: ['write 0 100k', 'snapshot a', 'write 0 64k', 'snapshot b'] },
    damage: (bytes) => {
      bytes.writeUInt32BE(8, Number(bytes.readBigUInt64BE(64)) + 36);
      return undefined;
    },
  },
  {
    name: 'a snapshot entry with too much extra data',
    recipe: { name: '', size: '1M', steps: ['write 0 100k', 'snapshot a', 'write 0 64k'] },
    damage: (bytes) => {
      bytes.writeUInt32BE(2000, Number(bytes.readBigUInt64BE(64)) + 36);
      return undefined;
    },
  },
  {
    name: 'an old snapshot entry in version 2',
    recipe: { name: '', size: '1M', options: 'compat=0.10', steps: ['write 0 100k', 'snapshot a'] },
    damage: (bytes) => {
      bytes.writeUInt32BE(0, Number(bytes.readBigUInt64BE(64)) + 36);
      return undefined;
    },
  },
  {
    name: 'a file that was cut off',
    recipe: { name: '', size: '4M', steps: ['write 0 2M'] },
    damage: (bytes) => bytes.subarray(0, 1_500_000),
  },
  {
    name: 'a file that was cut off inside its tables',
    recipe: { name: '', size: '4M', options: 'cluster_size=512', steps: ['write 0 200k'] },
    damage: (bytes) => bytes.subarray(0, 150_000),
  },
  {
    name: 'a file that grew by itself',
    recipe: { name: '', size: '4M', steps: ['write 0 200k'] },
    damage: (bytes) => Buffer.concat([bytes, Buffer.alloc(500_000)]),
  },
  {
    name: 'more references than the width counts',
    recipe: { name: '', size: '1M', options: 'refcount_bits=1', steps: ['write 0 200k'] },
    damage: (bytes) => {
      const l2 = 4 * 65536;
      bytes.copy(bytes, l2 + 8, l2, l2 + 8);
      return undefined;
    },
  },
  {
    name: 'one L2 table for two L1 entries',
    recipe: { name: '', size: '64M', options: 'cluster_size=4k', steps: ['write 0 20k', 'write 4M 8k'] },
    damage: (bytes) => {
      const l1 = Number(bytes.readBigUInt64BE(40));
      bytes.copy(bytes, l1 + 16, l1, l1 + 8);
      return undefined;
    },
  },
];

describe.each(KINDS)('$name', ({ recipe, damage }) => {
  it.each(['all', 'leaks'] as const)('-r %s', (mode) => {
    withTempDir((dir) => {
      const bytes = readFileSync(makeImage(recipe, dir));
      compareRepair(damage(bytes) ?? bytes, mode, dir);
    });
  });
});

describe('a writer with lazy refcounts that was killed', () => {
  it.each(['64k', '512'])('clusters of %s', (cluster) => {
    withTempDir((dir) => {
      const options = `lazy_refcounts=on,cluster_size=${cluster}`;
      const file = makeImage({ name: '', size: '8M', options, steps: ['write 3M 100k'] }, dir);
      const writes = ['-f', 'qcow2', '-c', 'write -P 5 1M 300k', '-c', 'flush', '-c', 'abort', file];
      expect(() => qemuIo(writes)).toThrow('SIGABRT');
      const bytes = readFileSync(file);
      expect((bytes[79] ?? 0) & 1).toBe(1);
      compareRepair(bytes, 'leaks', dir);
      compareRepair(bytes, 'all', dir);
      const device = memoryDeviceOf(bytes);
      repairDirty(device);
      expect(openHeader(device, 'write').incompatible).toBe(0n);
      writeFileSync(file, bytesOf(device));
      const { stdout } = qemuIo(['-f', 'qcow2', '-c', 'read -P 5 1M 300k', '-c', 'read -P 7 3M 100k', file]);
      expect(stdout).not.toContain('failed');
      expect(theirs(file)).toEqual({ ...FAILED, code: 0, words: '' });
    });
  });
});

describe('where QEMU makes things worse', () => {
  const image = (dir: string): Buffer => readFileSync(makeImage({ name: '', size: '4M', steps: ['write 0 2M'] }, dir));

  it('a misplaced refcount block: qemu-img gives up and marks the image corrupt, ours is sound', () => {
    withTempDir((dir) => {
      const bytes = image(dir);
      bytes.writeBigUInt64BE(0x20200n, 65536);
      const file = join(dir, 'x');
      writeFileSync(file, bytes);
      expect(theirs(file, 'all').code).toBe(1);
      expect((readFileSync(file)[79] ?? 0) & 2).toBe(2);
      const device = memoryDeviceOf(bytes);
      expect(ours(device, 'all').code).toBe(0);
      writeFileSync(file, bytesOf(device));
      expect(theirs(file).code).toBe(0);
    });
  });

  it('a refcount block far outside: qemu-img makes the file a gigabyte longer, ours does not', () => {
    withTempDir((dir) => {
      const bytes = image(dir);
      bytes.writeBigUInt64BE(2n ** 30n, 65536 + 8);
      const file = join(dir, 'x');
      writeFileSync(file, bytes);
      expect(theirs(file, 'all').code).toBe(0);
      expect(statSync(file).size).toBeGreaterThan(2 ** 30);
      const device = memoryDeviceOf(bytes);
      expect(ours(device, 'all').code).toBe(0);
      expect(device.size).toBeLessThan(2 ** 22);
    });
  });

  it('a file that was cut off: qemu-img puts its new refcounts where data is expected, ours elsewhere', () => {
    withTempDir((dir) => {
      const recipe = { name: '', size: '4M', options: 'cluster_size=4k', steps: ['write 0 2M'] };
      const whole = readFileSync(makeImage(recipe, dir));
      const bytes = Buffer.from(whole.subarray(0, 800_000));
      bytes.writeBigUInt64BE(0n, 4096);
      const l2 = Number(bytes.readBigUInt64BE(Number(bytes.readBigUInt64BE(40))) & 0x00ff_ffff_ffff_fe00n);
      const referred = new Set<number>();
      for (let at = l2; at < l2 + 4096; at += 8)
        referred.add(Number(bytes.readBigUInt64BE(at) & 0x00ff_ffff_ffff_fe00n));
      const file = join(dir, 'x');
      writeFileSync(file, bytes);
      theirs(file, 'all');
      const placed = (repaired: Buffer): number[] => {
        const table = Number(repaired.readBigUInt64BE(48));
        return [table, Number(repaired.readBigUInt64BE(table))];
      };
      expect(placed(readFileSync(file)).some((place) => referred.has(place))).toBe(true);
      const device = memoryDeviceOf(bytes);
      ours(device, 'all');
      expect(placed(bytesOf(device)).some((place) => referred.has(place))).toBe(false);
    });
  });
});
