/**
 * The check against `qemu-img check`: sound images of every kind, then the same images with damaged tables.
 * Numbers must agree, not only the verdict.
 */
import { closeSync, copyFileSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NodeReadDevice } from '../../../../platform/node/file-device.ts';
import { makeImage, recipes } from '../../../../testing/oracle/qcow2-recipes.ts';
import { qemuImg } from '../../../../testing/oracle/qemu-tools.ts';
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
        const file = makeImage(recipe, dir);
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
        const file = makeImage(recipe, dir);
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
