/**
 * A sweep without chance: every cluster size with every refcount width and preallocation, and the other
 * features, at the disk sizes where a table, a block or the refcount table itself begins anew.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Creator, comparePair, loadCreator } from '../../../testing/oracle/create-pair.ts';
import { edgesOf } from '../../../testing/oracle/request-arbitrary.ts';
import type { OptionTexts } from '../../options/declare.ts';
import { qcow2 } from './spec.ts';

const CLUSTER_SIZES = [512, 1024, 2048, 4096, 8192, 16384, 32768, 65536, 131072, 262144, 524288, 1048576, 2097152];
const WIDTHS = [1, 2, 4, 8, 16, 32, 64];
const PREALLOCATIONS = ['off', 'metadata', 'falloc'];

/** Entries of L2 tables that one image of the sweep may have; small clusters write each of them to disk. */
const MOST_CLUSTERS = 20_000;
/** `falloc` takes the space. */
const MOST_TAKEN = 6 * 2 ** 30;
/** Disks without tables cost nothing but their L1. */
const MOST_EMPTY = 2 ** 43;

const variants: readonly { name: string; texts: OptionTexts; entryBytes: number; leastCluster: number }[] = [
  { name: 'v2', texts: { compat: '0.10' }, entryBytes: 8, leastCluster: 512 },
  { name: 'extended L2', texts: { extended_l2: 'on' }, entryBytes: 16, leastCluster: 16384 },
  { name: 'data file', texts: { data_file: 'data' }, entryBytes: 8, leastCluster: 512 },
  { name: 'raw data file', texts: { data_file: 'data', data_file_raw: 'on' }, entryBytes: 8, leastCluster: 512 },
  {
    name: 'extended L2 over a backing file',
    texts: { extended_l2: 'on', backing_file: 'base', backing_fmt: 'raw' },
    entryBytes: 16,
    leastCluster: 16384,
  },
];

let dir: string;
let creator: Creator;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'diskwright-grid-'));
  creator = await loadCreator(qcow2);
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** The largest affordable edge: a disk that ends there, and one that is a sector longer. */
function sizesAt(clusterSize: number, entryBytes: number, width: number, preallocation: string): number[] {
  const most = preallocation === 'off' ? MOST_EMPTY : Math.min(MOST_CLUSTERS * clusterSize, MOST_TAKEN);
  const edges = edgesOf(clusterSize, entryBytes, width).slice(1, 7);
  const edge = Math.max(clusterSize * 3, ...edges.filter((one) => one <= most));
  return [edge, edge + 512];
}

function sweep(texts: OptionTexts, sizes: readonly number[]): string[] {
  return sizes
    .map((size) => comparePair(creator, { ...texts, size: `${size}` }, dir).difference)
    .filter((difference) => difference !== undefined);
}

describe.each(PREALLOCATIONS)('preallocation=%s', (preallocation) => {
  test.each(CLUSTER_SIZES)('clusters of %i, every refcount width', (clusterSize) => {
    for (const width of WIDTHS) {
      const texts = { cluster_size: `${clusterSize}`, refcount_bits: `${width}`, preallocation };
      expect(sweep(texts, sizesAt(clusterSize, 8, width, preallocation))).toEqual([]);
    }
  });

  test.each(variants)('$name, every cluster size', ({ texts, entryBytes, leastCluster }) => {
    for (const clusterSize of CLUSTER_SIZES.filter((size) => size >= leastCluster)) {
      const request = { ...texts, cluster_size: `${clusterSize}`, preallocation };
      const tables = texts.data_file_raw && preallocation === 'off' ? 'metadata' : preallocation;
      expect(sweep(request, sizesAt(clusterSize, entryBytes, 16, tables))).toEqual([]);
    }
  });
});
