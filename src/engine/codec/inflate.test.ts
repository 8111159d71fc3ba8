/** Inflate beside zlib: sound data of every kind, damaged data judged as zlib judges it, junk behind it, bombs. */
import { randomBytes } from 'node:crypto';
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { runs, seed } from '../../testing/seed.ts';
import { DiskwrightError } from '../errors.ts';
import { inflateExactly, inflateInto } from './inflate.ts';

const SIZE = 65536;
const samples: Readonly<Record<string, Buffer>> = {
  zeros: Buffer.alloc(SIZE),
  words: Buffer.from('the quick brown fox and the lazy dog, '.repeat(2000)).subarray(0, SIZE),
  noise: randomBytes(SIZE),
  'few values': Buffer.from(Array.from({ length: SIZE }, (_, i) => ((i * i * 7) >> 3) & 15)),
  numbers: Buffer.from(Array.from({ length: 12000 }, (_, i) => `${i * 7919},`).join('')).subarray(0, SIZE),
};
const junk = Buffer.alloc(300, 0xaa);

function inflated(input: Uint8Array, length: number): Buffer | 'corrupt' {
  const out = Buffer.alloc(length);
  try {
    inflateInto(input, out);
    return out;
  } catch (error) {
    if (error instanceof DiskwrightError && error.kind === 'corrupt') return 'corrupt';
    throw error;
  }
}

/** zlib as QEMU uses it: all the input at once, and what came out counts if it fills the buffer. */
function byZlib(input: Uint8Array, length: number): Buffer | 'corrupt' | 'unknown' {
  try {
    const out = inflateRawSync(input, { finishFlush: constants.Z_SYNC_FLUSH });
    return out.length < length ? 'corrupt' : out.subarray(0, length);
  } catch {
    // It may have failed behind the point where the buffer was full.
    return 'unknown';
  }
}

/** Comparing buffers element by element would take most of the time. */
const same = (a: Buffer | 'corrupt', b: Buffer | 'corrupt'): boolean =>
  typeof a === 'string' || typeof b === 'string' ? a === b : a.equals(b);

describe.each(Object.entries(samples))('%s', (_name, sample) => {
  test('come back at every level and strategy, with junk behind, and in part', () => {
    for (const level of [0, 1, 6, 9]) {
      for (const strategy of [
        constants.Z_DEFAULT_STRATEGY,
        constants.Z_HUFFMAN_ONLY,
        constants.Z_RLE,
        constants.Z_FIXED,
      ]) {
        for (const windowBits of [9, 12, 15]) {
          const stored = deflateRawSync(sample, { level, strategy, windowBits });
          expect(same(inflated(Buffer.concat([stored, junk]), SIZE), sample)).toBe(true);
          expect(same(inflated(stored, 1000), sample.subarray(0, 1000))).toBe(true);
          expect(inflated(stored.subarray(0, stored.length - 5), SIZE)).toBe('corrupt');
        }
      }
    }
  });

  test('tell how long they are stored, and are refused with more or less in them', () => {
    for (const level of [0, 1, 9]) {
      const stored = deflateRawSync(sample, { level, windowBits: 12 });
      const out = Buffer.alloc(SIZE);
      expect(inflateExactly(Buffer.concat([stored, junk]), out)).toBe(stored.length);
      expect(out.equals(sample)).toBe(true);
      expect(() => inflateExactly(stored, Buffer.alloc(SIZE - 1))).toThrow(/damaged|end/);
      expect(() => inflateExactly(stored, Buffer.alloc(SIZE + 1))).toThrow(/damaged|end/);
      expect(() => inflateExactly(stored.subarray(0, stored.length - 1), out)).toThrow();
    }
  });

  test('damaged are judged as zlib judges them', () => {
    const stored = deflateRawSync(sample.subarray(0, 4096));
    const change = fc.record({ at: fc.nat(stored.length - 1), value: fc.nat(255) });
    let both = 0;
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
        const bytes = Buffer.from(stored);
        for (const { at, value } of changes) bytes[at] = value;
        const theirs = byZlib(bytes, 4096);
        if (theirs === 'unknown') inflated(bytes, 4096);
        else {
          both++;
          expect(same(inflated(bytes, 4096), theirs)).toBe(true);
        }
      }),
      { numRuns: runs(500), seed },
    );
    expect(both).toBeGreaterThan(0);
  });
});

test('a bomb ends at the end of the buffer', () => {
  // Cut off right behind what fills the buffer: whoever reads on meets the end and fails.
  const bomb = deflateRawSync(Buffer.alloc(32 * 1024 * 1024)).subarray(0, 64);
  expect(same(inflated(bomb, 512), Buffer.alloc(512))).toBe(true);
});
