import { describe, expect, it } from 'vitest';
import { geometryOf } from './geometry.ts';
import { layoutOf } from './layout.ts';
import { parametersOf } from './parameters.ts';
import { Placement } from './placement.ts';

/** Layout of a disk by size and `-o` style options. */
const layout = (size: string, options: Record<string, string>) => layoutOf(parametersOf({ ...options, size }));

// Cluster numbers of the worked layouts in the layout contract (create-layout.md §3 and §9).
describe('worked layouts', () => {
  it('puts refcount block 8 second when the blocks of an L1 table need a block themselves', () => {
    const { l1, blocks, fileLength } = layout('4G', { cluster_size: '512' });
    expect(l1).toBe(3);
    expect(blocks.slice(0, 9)).toEqual([2, 2051, 2053, 2054, 2055, 2056, 2057, 2058, 2052]);
    expect(fileLength).toBe(1054208);
  });

  it('alternates L2 tables and their data, a new block right behind the run that entered its range', () => {
    const { l2, data, blocks } = layout('3G', { preallocation: 'metadata' });
    expect([0, 1, 2, 3, 4, 5].map((i) => l2.at(i))).toEqual([4, 8197, 16390, 24583, 32777, 40970]);
    expect(blocks).toEqual([2, 32776]);
    expect(data.host.at(4)).toBe(32778);
  });

  it('grows the refcount table at the next block boundary and leaves the old one behind', () => {
    const grown = layout('2M', { cluster_size: '512', refcount_bits: '64', preallocation: 'metadata' });
    expect(grown.table).toEqual({ first: 4162, count: 2 });
    expect([63, 64, 65, 66, 67].map((i) => grown.blocks[i])).toEqual([4096, 4097, 4160, 4161, 4293]);
    expect(grown.l2.at(62)).toBe(4098);
    expect(grown.holes).toEqual([
      { first: 1, count: 1 },
      { first: 4099, count: 61 },
    ]);
    expect(grown.staleTables.map(({ first, count }) => ({ first, count }))).toEqual([{ first: 1, count: 1 }]);
  });

  it('counts everything first for falloc, and the first L2 table takes the old refcount table', () => {
    const { l2, table, blocks, data } = layout('9M', { cluster_size: '512', preallocation: 'falloc' });
    expect(l2.at(0)).toBe(1);
    expect(l2.at(1)).toBe(18515);
    expect(table).toEqual({ first: 81, count: 2 });
    expect(blocks.slice(1)).toEqual(Array.from({ length: 73 }, (_, i) => 8 + i));
    expect([data.guest.at(0), data.host.at(0), data.count.at(0)]).toEqual([0, 83, 18432]);
  });
});

describe('free space', () => {
  const place = () =>
    new Placement(geometryOf({ clusterSize: 512, extendedL2: false, refcountBits: 16, guestSize: 0 }));

  it('continues from the cursor, not from the first hole', () => {
    const placement = place();
    expect([placement.alloc(2), placement.alloc(1), placement.alloc(5)]).toEqual([3, 5, 6]);
    expect(placement.end).toBe(11);
  });

  it('gives what is free at a wanted place and no more', () => {
    const placement = place();
    placement.alloc(4);
    expect(placement.allocAt(6, 3)).toBe(0);
    expect(placement.allocAt(7, 3)).toBe(3);
  });

  it('lowers the end when the last clusters become free', () => {
    const placement = place();
    const behind = placement.reserveRefcounts(300);
    // base 3: block 1 at 3, the new table at 4, the old one at 1 free
    expect(behind).toBe(5);
    expect(placement.table).toEqual({ first: 4, count: 1 });
    expect(placement.holes).toEqual([{ first: 1, count: 1 }]);
  });
});

it('refuses a preallocated disk whose refcount table would exceed 8 MiB', () => {
  expect(() => layout('128G', { cluster_size: '512', preallocation: 'falloc' })).toThrow(/too large to preallocate/);
});
