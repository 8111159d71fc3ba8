import { expect, it } from 'vitest';
import { Overlap } from '../runtime-options.ts';
import { MetadataMap } from './metadata-map.ts';

const CLUSTER = 512;
const ALL = Object.values(Overlap).reduce((all, bit) => all | bit, 0);

function mapOf(checks: number): MetadataMap {
  const inactive = new DataView(new ArrayBuffer(16));
  inactive.setUint32(12, 20 * CLUSTER);
  const map = new MetadataMap(
    CLUSTER,
    {
      activeL1: () => ({ offset: 3 * CLUSTER, bytes: 24 }),
      refcountTable: () => ({ offset: CLUSTER, bytes: CLUSTER }),
      snapshotTable: () => ({ offset: 10 * CLUSTER, bytes: 700 }),
      inactiveL1: () => [{ offset: 8 * CLUSTER, bytes: 16 }],
      readInactiveL1: () => inactive,
      bitmapDirectory: () => ({ offset: 14 * CLUSTER, bytes: 32 }),
    },
    checks,
  );
  map.addL2(5 * CLUSTER);
  map.setBlocks(Float64Array.of(2 * CLUSTER, 0, 4 * CLUSTER));
  return map;
}

/** First byte of each kind of metadata. */
const places = [
  ['the header', 0],
  ['the refcount table', CLUSTER],
  ['a refcount block', 4 * CLUSTER],
  ['the L1 table', 3 * CLUSTER],
  ['an L2 table', 5 * CLUSTER],
  ['the L1 table of a snapshot', 8 * CLUSTER],
  ['the snapshot table', 10 * CLUSTER],
  ['the bitmap directory', 14 * CLUSTER],
  ['an L2 table of a snapshot', 20 * CLUSTER],
] as const;

it.each(places)('finds a write that hits %s', (name, at) => {
  const map = mapOf(ALL);
  expect(map.hit(at, 1)).toBe(name);
  expect(map.hit(at + 600 * CLUSTER, CLUSTER)).toBeUndefined();
});

it('finds what a long write hits at its end, and nothing in a write of nothing', () => {
  expect(mapOf(ALL).hit(6 * CLUSTER, 2 * CLUSTER)).toBeUndefined();
  expect(mapOf(ALL).hit(6 * CLUSTER, 2 * CLUSTER + 1)).toBe('the L1 table of a snapshot');
  expect(mapOf(ALL).hit(0, 0)).toBeUndefined();
});

it('lets a table be written to its own place, and only what is asked for is looked at', () => {
  expect(mapOf(ALL).hit(5 * CLUSTER, CLUSTER, 'activeL2')).toBeUndefined();
  expect(mapOf(0).hit(0, CLUSTER)).toBeUndefined();
  expect(mapOf(ALL & ~Overlap.inactiveL2).hit(20 * CLUSTER, 1)).toBeUndefined();
});

it('forgets a table that is gone', () => {
  const map = mapOf(ALL);
  map.removeL2(5 * CLUSTER);
  expect(map.hit(5 * CLUSTER, 1)).toBeUndefined();
});
