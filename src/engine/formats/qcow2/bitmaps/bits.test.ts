/** The bits of a bitmap beside a plain array of them, through random changes and stored anew in between. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { runs, seed } from '../../../../testing/seed.ts';
import { MemoryDevice } from '../../../device/memory.ts';
import { ALL_ONES } from '../bitmaps.ts';
import { Bits } from './bits.ts';

const GRANULARITY_BITS = 9;
const GRANULARITY = 512;
const PAGE = 512;

type Change =
  | { readonly kind: 'set'; readonly at: number; readonly length: number }
  | { readonly kind: 'resize'; readonly size: number }
  | { readonly kind: 'clear' | 'store' };

/** Sizes near the edges of pages: a page of 512 bytes covers 2 MiB. */
const sizes = fc.oneof(
  fc.integer({ min: 1, max: 20_000 }).map((sectors) => sectors * 512),
  fc.constantFrom(2 ** 21, 2 ** 21 - 512, 2 ** 21 + 512, 2 ** 22, 32768, 512),
);
const changes: fc.Arbitrary<Change> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('set' as const),
      at: fc.nat(10_000_000),
      length: fc.oneof(fc.nat(3000), fc.nat(9_000_000)),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('resize' as const), size: sizes }) },
  { weight: 1, arbitrary: fc.constantFrom({ kind: 'clear' } as const, { kind: 'store' } as const) },
);

/** Stores every page and opens the result. */
function stored(bits: Bits): Bits {
  const device = new MemoryDevice();
  const table = new Float64Array(bits.pages);
  const page = new Uint8Array(PAGE);
  for (let i = 0; i < table.length; i++) {
    if (!bits.readPage(i, page)) continue;
    table[i] = (i + 1) * PAGE;
    device.write((i + 1) * PAGE, page);
  }
  const shape = { clusterSize: PAGE, granularityBits: GRANULARITY_BITS, diskSize: bits.diskSize };
  return new Bits(shape, { device, table });
}

function marked(bits: Bits): boolean[] {
  const found = new Array<boolean>(Math.ceil(bits.diskSize / GRANULARITY)).fill(false);
  let last = -1;
  bits.visit((at, length) => {
    // Runs are whole: neighbours would have been one.
    expect(at).toBeGreaterThan(last);
    expect(length).toBeGreaterThan(0);
    last = at + length;
    for (let bit = at / GRANULARITY; bit < Math.ceil(last / GRANULARITY); bit++) found[bit] = true;
  });
  return found;
}

test('whatever is done, bits are those of an array', () => {
  fc.assert(
    fc.property(sizes, fc.array(changes, { maxLength: 12 }), (size, list) => {
      let bits = new Bits({ clusterSize: PAGE, granularityBits: GRANULARITY_BITS, diskSize: size });
      let model = new Array<boolean>(size / GRANULARITY).fill(false);
      for (const change of list) {
        if (change.kind === 'set') {
          bits.set(change.at, change.length);
          const end = Math.min(change.at + change.length, model.length * GRANULARITY);
          if (change.at < end) model.fill(true, Math.floor(change.at / GRANULARITY), Math.ceil(end / GRANULARITY));
        } else if (change.kind === 'resize') {
          bits.resize(change.size);
          const count = change.size / GRANULARITY;
          model = [...model.slice(0, count), ...new Array<boolean>(Math.max(0, count - model.length)).fill(false)];
        } else if (change.kind === 'clear') {
          bits.clear();
          model.fill(false);
        } else bits = stored(bits);
      }
      expect(marked(bits)).toEqual(model);
      expect(marked(stored(bits))).toEqual(model);
    }),
    { numRuns: runs(300), seed },
  );
});

describe('what is stored', () => {
  const shape = { clusterSize: PAGE, granularityBits: GRANULARITY_BITS, diskSize: 2 ** 21 + 5 * 512 };

  test('a page of ones, and one of which the disk needs five bits', () => {
    const bits = new Bits(shape, { device: new MemoryDevice(), table: Float64Array.of(ALL_ONES, ALL_ONES) });
    const page = new Uint8Array(PAGE);
    expect(bits.readPage(0, page)).toBe(true);
    expect(page).toEqual(new Uint8Array(PAGE).fill(0xff));
    // QEMU fills whole words of 64 bits.
    expect(bits.readPage(1, page)).toBe(true);
    expect(page).toEqual(Uint8Array.from({ length: PAGE }, (_, i) => (i < 8 ? 0xff : 0)));
    expect(marked(bits)).toEqual(new Array(4096 + 5).fill(true));
  });

  test('marking all of a large disk takes no memory for each page', () => {
    const large = new Bits({ clusterSize: 65536, granularityBits: 9, diskSize: 2 ** 41 });
    large.set(0, 2 ** 41);
    const page = new Uint8Array(65536);
    expect(large.readPage(8191, page)).toBe(true);
    expect(page.every((byte) => byte === 0xff)).toBe(true);
    large.resize(2 ** 41 - 512);
    expect(large.readPage(8191, page)).toBe(true);
    expect(page.at(-1)).toBe(0x7f);
    expect(large.readPage(8190, page)).toBe(true);
    expect(page.at(-1)).toBe(0xff);
  });

  test('a size that is no multiple of the granularity', () => {
    const bits = new Bits({ clusterSize: PAGE, granularityBits: 12, diskSize: 10_000 });
    bits.set(9_999, 500);
    const runs: number[][] = [];
    bits.visit((at, length) => runs.push([at, length]));
    expect(runs).toEqual([[8192, 1808]]);
  });
});
