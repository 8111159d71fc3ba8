/**
 * zstd: hand-made frames, refusals, and bounded work on damage. Frames as libzstd writes them are read in the
 * oracle tests of qcow2.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { runs, seed } from '../../testing/seed.ts';
import { DiskwrightError } from '../errors.ts';
import { zstdInto } from './zstd.ts';

const MAGIC = [0x28, 0xb5, 0x2f, 0xfd];
/** Head of a frame with a window of 1 MiB and no content size. */
const HEAD = [...MAGIC, 0x00, 0x50];

const block = (kind: number, size: number, last: boolean, ...content: number[]): number[] => {
  const word = (size << 3) | (kind << 1) | (last ? 1 : 0);
  return [word & 0xff, (word >> 8) & 0xff, word >> 16, ...content];
};

function decoded(bytes: readonly number[], length: number): number[] | string {
  const out = new Uint8Array(length);
  try {
    zstdInto(Uint8Array.from(bytes), out);
    return [...out];
  } catch (error) {
    if (error instanceof DiskwrightError && error.kind === 'corrupt') return error.message;
    throw error;
  }
}

test('raw and repeated blocks, junk behind the frame', () => {
  const frame = [...HEAD, ...block(0, 3, false, 1, 2, 3), ...block(1, 4, true, 9)];
  expect(decoded([...frame, 0xff, 0xff], 7)).toEqual([1, 2, 3, 9, 9, 9, 9]);
});

test('several frames and a skippable one between them', () => {
  const one = [...HEAD, ...block(0, 2, true, 5, 6)];
  const skipped = [0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 1, 1];
  expect(decoded([...one, ...skipped, ...one], 4)).toEqual([5, 6, 5, 6]);
});

test('raw literals and no sequences', () => {
  expect(decoded([...HEAD, ...block(2, 5, true, 3 << 3, 7, 8, 9, 0)], 3)).toEqual([7, 8, 9]);
});

test.each([
  ['more than fits', [...HEAD, ...block(1, 9, true, 1)], 8],
  ['less than wanted', [...HEAD, ...block(1, 7, true, 1)], 8],
  ['no magic', [1, 2, 3, 4, 5, 6, 7, 8, 9], 8],
  ['nothing', [], 8],
  ['a window of terabytes', [...MAGIC, 0x00, 0xff, ...block(1, 8, true, 1)], 8],
  ['a dictionary', [...MAGIC, 0x01, 0x50, 7, ...block(1, 8, true, 1)], 8],
  ['a false content size', [...MAGIC, 0x20, 9, ...block(1, 8, true, 1)], 8],
  ['a reserved block', [...HEAD, ...block(3, 1, true, 1)], 8],
  ['a block that breaks off', [...HEAD, ...block(0, 8, true, 1, 2)], 8],
])('refuses %s', (_name, bytes, length) => {
  expect(decoded(bytes, length)).toMatch(/^zstd data: /);
});

test('arbitrary compressed blocks end in bytes or a refusal, soon', () => {
  const content = fc.uint8Array({ minLength: 1, maxLength: 400 });
  fc.assert(
    fc.property(content, (bytes) => {
      const started = performance.now();
      decoded([...HEAD, ...block(2, bytes.length, true, ...bytes)], 65536);
      expect(performance.now() - started).toBeLessThan(10_000);
    }),
    { numRuns: runs(3000), seed },
  );
});
