import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs, seed } from '../../../../testing/seed.ts';
import { firstFree, firstUsed, mostOf, refcountAt, setRefcount } from './refcount-bits.ts';

/** The count in `slot`, bit by bit from the definition: big-endian bytes, narrow counts from the low bits. */
function naive(bytes: Uint8Array, slot: number, bits: number): bigint {
  if (bits < 8)
    return (BigInt(bytes[(slot * bits) >> 3] ?? 0) >> BigInt((slot * bits) & 7)) & (2n ** BigInt(bits) - 1n);
  let count = 0n;
  for (let i = 0; i < bits / 8; i++) count = count * 256n + BigInt(bytes[(slot * bits) / 8 + i] ?? 0);
  return count;
}

const widths = [1, 2, 4, 8, 16, 32, 64];
const BYTES = 64;

describe.each(widths)('counts of %i bits', (bits) => {
  const slots = (BYTES * 8) / bits;

  it('are set without touching their neighbours, and read as the format says', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: BYTES, maxLength: BYTES }),
        fc.nat(slots - 1),
        fc.maxSafeNat().map((n) => n % (mostOf(bits) + 1)),
        (start, slot, count) => {
          const bytes = Uint8Array.from(start);
          const view = new DataView(bytes.buffer);
          setRefcount(view, slot, bits, count);
          for (let i = 0; i < slots; i++) {
            expect(naive(bytes, i, bits)).toBe(i === slot ? BigInt(count) : naive(start, i, bits));
          }
          expect(refcountAt(view, slot, bits)).toBe(count);
        },
      ),
      { numRuns: runs(60), seed },
    );
  });

  it('are searched for the first free and the first used one', () => {
    const sparse = fc.array(fc.nat(slots - 1), { maxLength: 6 });
    fc.assert(
      fc.property(sparse, fc.boolean(), fc.nat(slots), fc.nat(slots), (chosen, inverted, a, b) => {
        const [from, to] = [Math.min(a, b), Math.max(a, b)];
        const used = Array.from({ length: slots }, (_, i) => chosen.includes(i) !== inverted);
        const view = new DataView(new ArrayBuffer(BYTES));
        for (const [slot, is] of used.entries()) if (is) setRefcount(view, slot, bits, 1);
        const first = (wanted: boolean): number => used.findIndex((is, i) => is === wanted && i >= from && i < to);
        expect(firstUsed(view, bits, from, to)).toBe(first(true));
        expect(firstFree(view, bits, from, to)).toBe(first(false));
      }),
      { numRuns: runs(60), seed },
    );
  });
});
