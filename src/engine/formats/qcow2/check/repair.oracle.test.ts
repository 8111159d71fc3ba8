/**
 * The repair against `qemu-img check -r`: images of every kind with damaged tables. Both repair a copy; numbers and
 * exit codes must agree, qemu-img must find ours as sound as its own afterwards, and the disk reads as before.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { makeImage, recipes } from '../../../../testing/oracle/qcow2-recipes.ts';
import { qemuImg } from '../../../../testing/oracle/qemu-tools.ts';
import { withTempDir } from '../../../../testing/oracle/temp-dir.ts';
import { runs, seed } from '../../../../testing/seed.ts';
import { type MemoryDevice, memoryDeviceOf } from '../../../device/memory.ts';
import { DiskwrightError } from '../../../errors.ts';
import type { RepairMode, RepairReport } from '../../../image/report.ts';
import { repairImage } from './repair.ts';

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

for (const mode of ['all', 'leaks'] as const) {
  describe(`-r ${mode}`, () => {
    for (const recipe of recipes.filter(({ name }) => name !== 'blank' && !name.startsWith('metadata'))) {
      it(recipe.name, () => {
        withTempDir((dir) => {
          const file = makeImage(recipe, dir);
          const bytes = readFileSync(file);
          const tables = tablesOf(bytes);
          const damaged = join(dir, 'damaged.qcow2');
          const repaired = join(dir, 'repaired.qcow2');
          fc.assert(
            fc.property(fc.array(edit, { minLength: 1, maxLength: 3 }), (edits) => {
              const mutant = Buffer.from(bytes);
              for (const { table, place, byte } of edits) {
                const { at, length } = tables[table % tables.length] as Table;
                const offset = at + Math.floor(place * length);
                if (offset < mutant.length) mutant[offset] = byte;
              }
              const device = memoryDeviceOf(mutant);
              const mine = ours(device, mode);
              writeFileSync(damaged, mutant);
              const qemu = theirs(damaged, mode);
              tally.compared++;
              if (mine.code === 1) tally.refused++;
              else if (mine.words.includes('Rebuilding')) tally.rebuilt++;
              else if (mine.corruptionsFixed + mine.leaksFixed > 0) tally.repaired++;
              const after = Buffer.alloc(device.size);
              for (let at = 0; at < after.length; at += 2 ** 20) device.read(at, after.subarray(at, at + 2 ** 20));
              writeFileSync(repaired, after);
              const judged = theirs(repaired);
              // Blocks at places where no block can be make QEMU give up; ours replaces them.
              if (qemu.code === 1 && mine.code !== 1) {
                tally['better than QEMU']++;
                expect(qemu.words).toMatch(/Refblock offset|writing refblock/);
                expect([judged.code, judged.corruptions, judged.leaks]).toEqual([
                  mine.code,
                  mine.corruptions,
                  mine.leaks,
                ]);
                return;
              }
              // Places beyond 8 EiB, which QEMU's own arithmetic does not survive.
              if (qemu.words.includes('Cannot allocate memory')) return;
              // The header taken for an L2 table: what it means depends on where the new refcounts are.
              if (mine.words.includes('Rebuilding') && mine.words.includes('L2 table at 0,')) return;
              const { words, ...verdict } = mine;
              const { words: said, ...expected } = qemu;
              // QEMU counts references into clusters that its own new refcounts have just made part of the file.
              if (words.includes('Rebuilding') && words.includes('beyond the end')) {
                tally['better than QEMU'] += mine.corruptions < qemu.corruptions ? 1 : 0;
                expect(mine.corruptions).toBeLessThanOrEqual(qemu.corruptions);
              } else expect({ verdict, words, said }).toEqual({ verdict: expected, words, said });
              if (mine.code === 1) return;
              expect([judged.corruptions, judged.leaks, judged.words]).toEqual([
                mine.corruptions,
                mine.leaks,
                judged.words,
              ]);
            }),
            { numRuns: runs(12), seed, endOnFailure: true },
          );
        });
      });
    }
  });
}
