/** Threads that compress: what comes back, and what happens when one of them fails. */
import { inflateRawSync } from 'node:zlib';
import { expect, test } from 'vitest';
import type { Batch } from '../../jobs/convert/convert.ts';
import { DeflatePool } from './deflate-pool.ts';

const UNIT = 4096;

function batchOf(units: number, first: number): { batch: Batch; copy: Uint8Array } {
  const bytes = new Uint8Array(units * UNIT);
  for (let i = 0; i < bytes.length; i++) bytes[i] = first + Math.floor(i / 100);
  // One unit that does not shrink.
  crypto.getRandomValues(bytes.subarray(UNIT, 2 * UNIT));
  return { batch: { at: 0, units, unit: UNIT, bytes }, copy: bytes.slice() };
}

test('units come back packed, those that do not shrink as long as they were, and the bytes with them', async () => {
  const pool = new DeflatePool('zlib', 2);
  try {
    const batches = [3, 5, 2, 9].map((units, i) => batchOf(units, i * 10));
    const results = await Promise.all(batches.map(({ batch }) => pool.pack(batch)));
    for (const [i, { units, bytes }] of results.entries()) {
      const copy = batches[i]?.copy ?? new Uint8Array();
      expect(bytes).toEqual(copy);
      expect(units[1]?.length).toBe(UNIT);
      for (const [j, unit] of units.entries()) {
        if (j !== 1) expect(new Uint8Array(inflateRawSync(unit))).toEqual(copy.subarray(j * UNIT, (j + 1) * UNIT));
      }
    }
  } finally {
    await pool.close();
  }
});

test('what is asked of a thread that fails is refused', async () => {
  const pool = new DeflatePool('zlib', 1);
  const broken: Batch = { at: 0, units: 1, unit: -1, bytes: new Uint8Array(UNIT) };
  await expect(pool.pack(broken)).rejects.toThrow();
  await pool.close();
});

test('zstd is refused where Node has none, with a way out', async () => {
  if ('zstdCompressSync' in (await import('node:zlib'))) return;
  expect(() => new DeflatePool('zstd')).toThrow('cannot compress with zstd');
});
