/** Deflate with a window of 4 KiB: zlib inflates it with that window, and it is about as small as zlib's own. */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Random } from '../../testing/random.ts';
import { runs, seed } from '../../testing/seed.ts';
import { Deflater } from './deflate.ts';

const LEVELS = [1, 2, 3, 4, 5, 6, 7, 8, 9];

function expectRound(deflater: Deflater, bytes: Uint8Array): number {
  const into = new Uint8Array(bytes.length + 1000);
  const length = deflater.deflate(bytes, into);
  if (length === undefined) throw new Error('it did not fit');
  const back = inflateRawSync(into.subarray(0, length), { windowBits: 12 });
  expect(back.equals(bytes)).toBe(true);
  return length;
}

/** Words, noise, runs and repetitions from near and far. */
function mixed(random: Random, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; ) {
    const count = Math.min(length - at, 1 + random.below([4, 40, 400, 40_000][random.below(4)] ?? 4));
    const kind = random.below(5);
    const far = 1 + random.below(Math.min(at + 1, 9000));
    for (let i = at; i < at + count; i++) {
      if (kind === 0) bytes[i] = random.below(256);
      else if (kind === 1) bytes[i] = 65 + random.below(4);
      else if (kind === 2) bytes[i] = 7;
      else if (kind === 3 && i >= far) bytes[i] = bytes[i - far] as number;
      else bytes[i] = i % 11 === 0 ? random.below(256) : (i * 7) & 31;
    }
    at += count;
  }
  return bytes;
}

test('whatever the bytes, zlib gives them back with a window of 4 KiB', () => {
  const deflaters = LEVELS.map((level) => new Deflater(level));
  fc.assert(
    fc.property(
      fc.integer(),
      fc.integer({ min: 0, max: 200_000 }),
      fc.constantFrom(...LEVELS),
      (from, length, level) => {
        expectRound(deflaters[level - 1] as Deflater, mixed(new Random(from), length));
      },
    ),
    { seed, numRuns: runs(120) },
  );
});

test.each([0, 1, 2, 3, 4, 257, 258, 259, 4095, 4096, 4097, 32_766, 32_767, 32_768, 65_536, 140_000])(
  '%i bytes: of one value, of noise, and one repetition',
  (length) => {
    const random = new Random(length);
    for (const level of [1, 3, 4, 6, 9]) {
      const deflater = new Deflater(level);
      expectRound(deflater, new Uint8Array(length).fill(9));
      const noise = new Uint8Array(length).map(() => random.below(256));
      // Noise costs five bytes for each stored piece, no more.
      expect(expectRound(deflater, noise)).toBeLessThanOrEqual(length + 5 * (1 + Math.ceil(length / 32_000)));
      noise.copyWithin(length >> 1, 0);
      expectRound(deflater, noise);
    }
  },
);

test('what does not fit is told, and the next call is right', () => {
  const bytes = mixed(new Random(3), 65_536);
  const deflater = new Deflater(6);
  const whole = expectRound(deflater, bytes);
  for (const room of [0, 1, 100, whole - 1]) expect(deflater.deflate(bytes, new Uint8Array(room))).toBeUndefined();
  const exact = new Uint8Array(whole);
  expect(deflater.deflate(bytes, exact)).toBe(whole);
  expect(inflateRawSync(exact, { windowBits: 12 }).equals(bytes)).toBe(true);
});

test('positions begin again', () => {
  const deflater = new Deflater(1);
  const bytes = new Uint8Array(32 * 1024 * 1024).fill(1);
  bytes.set(mixed(new Random(8), 100_000), 5_000_000);
  const into = new Uint8Array(4 * 1024 * 1024);
  for (let i = 0; i < 8; i++) deflater.deflate(bytes, into);
  const length = deflater.deflate(bytes, into) ?? 0;
  expect(inflateRawSync(into.subarray(0, length), { windowBits: 12 }).equals(bytes)).toBe(true);
}, 120_000);

describe('size beside zlib with the same window', () => {
  const words = 'the of and disk image cluster header table block offset guest host error open read write'.split(' ');
  const random = new Random(5);
  let text = '';
  while (text.length < 512 * 1024) {
    text += words[random.below(words.length)] as string;
    text += random.below(7) === 0 ? `${random.below(10_007)}\n` : ' ';
  }
  const samples = { text: Buffer.from(text), mixed: Buffer.from(mixed(random, 512 * 1024)) };
  // Units of a cluster each; short ones are searched in another way.
  const cases = LEVELS.flatMap((level) =>
    Object.keys(samples).flatMap((name) => [65_536, 4096].map((unit) => [level, name, unit] as const)),
  );
  test.each(cases)('level %i, %s, %i bytes at once', (level, name, length) => {
    const deflater = new Deflater(level);
    const bytes = samples[name as keyof typeof samples];
    let [ours, theirs] = [0, 0];
    for (let at = 0; at < bytes.length; at += length) {
      const unit = bytes.subarray(at, at + length);
      ours += expectRound(deflater, unit);
      theirs += deflateRawSync(unit, { windowBits: 12, memLevel: 9, level }).length;
    }
    expect(ours / theirs).toBeLessThan(1.01);
  });
});
