/**
 * Damaged headers: small images with a few bytes changed are refused where qemu-img refuses them, and
 * have the size that it gives where it opens them. `DISKWRIGHT_SEED` repeats a run.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { images, type SmallImage } from '../../testing/images.ts';
import { qemuImg } from '../../testing/oracle/qemu-tools.ts';
import { withTempDir } from '../../testing/oracle/temp-dir.ts';
import { runs } from '../../testing/seed.ts';
import { memoryDeviceOf } from '../device/memory.ts';
import { DiskwrightError } from '../errors.ts';
import { formats } from './index.ts';

const damaged = formats.filter((spec) => Object.values(images).some((image) => image.format === spec.name));
const drivers = new Map(await Promise.all(damaged.map(async (spec) => [spec.name, await spec.load()] as const)));

/** A number that a field may well mean something by, or chance. */
const byte = fc.oneof(fc.constantFrom(0, 1, 2, 0x7f, 0x80, 0xff), fc.nat(255));

function places(image: SmallImage): number[] {
  return image.telling.flatMap(([from, to]) => Array.from({ length: to - from }, (_, i) => from + i));
}

function sizeHere(format: string, bytes: Uint8Array): number | string {
  try {
    return drivers.get(format)?.virtualSize(memoryDeviceOf(bytes)) ?? 'no driver';
  } catch (error) {
    if (error instanceof DiskwrightError) return 'refused';
    throw error;
  }
}

function sizeInQemu(format: string, file: string): number | 'refused' | 'crashed' {
  try {
    const { stdout } = qemuImg(['info', '-U', '--output=json', '-f', format, file]);
    const size = /"virtual-size": (\d+)/.exec(stdout)?.[1];
    return size === undefined ? 'refused' : Number(size);
  } catch (error) {
    if (String(error).includes('SIGABRT')) return 'crashed';
    throw error;
  }
}

for (const [name, image] of Object.entries(images)) {
  if (image.telling.length === 0) continue;
  it(`judges damage in "${name}" as qemu-img does`, () => {
    withTempDir((dir) => {
      const file = join(dir, image.fileName ?? 'disk');
      const change = fc.record({ at: fc.constantFrom(...places(image)), value: byte });
      fc.assert(
        fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
          const bytes = image.bytes();
          for (const { at, value } of changes) bytes[at] = value;
          image.seal?.(bytes);
          writeFileSync(file, bytes);
          const theirs = sizeInQemu(image.format, file);
          const ours = sizeHere(image.format, bytes);
          // Beyond 2^53 we refuse what QEMU opens; where it crashes we must not.
          if (theirs === 'crashed' || Number(theirs) > Number.MAX_SAFE_INTEGER) return;
          expect(ours).toBe(theirs);
        }),
        { numRuns: runs(40) },
      );
    });
  });
}
