/** The largest disk of every cluster size, and the room for names: accepted at the limit, refused one step beyond. */
import { beforeAll, describe, expect, test } from 'vitest';
import { type Creator, comparePair, loadCreator } from '../../../testing/oracle/create-pair.ts';
import { withTempDir } from '../../../testing/oracle/temp-dir.ts';
import type { OptionTexts } from '../../options/declare.ts';
import { readOptions } from '../../options/read.ts';
import { backingNameRoom, largestDisk } from './limits.ts';
import { qcow2Options } from './options.ts';
import { qcow2 } from './spec.ts';

const CLUSTER_SIZES = [512, 1024, 2048, 4096, 8192, 16384, 32768, 65536, 131072, 262144, 524288, 1048576, 2097152];

let creator: Creator;
beforeAll(async () => {
  creator = await loadCreator(qcow2);
});

const verdict = (texts: OptionTexts) => withTempDir((dir) => comparePair(creator, texts, dir));

describe.each([false, true])('largest disk, extended_l2=%s', (extendedL2) => {
  test.each(CLUSTER_SIZES.filter((size) => !extendedL2 || size >= 16384))('clusters of %i', (clusterSize) => {
    const most = BigInt(largestDisk(clusterSize, extendedL2));
    const texts = { cluster_size: `${clusterSize}`, extended_l2: extendedL2 ? 'on' : 'off' };
    for (const size of [most - 511n, most]) {
      expect(verdict({ ...texts, size: `${size}` }), `${size}`).toEqual({ accepted: true });
    }
    for (const size of [most + 1n, most + 512n]) {
      expect(verdict({ ...texts, size: `${size}` }), `${size}`).toEqual({ accepted: false });
    }
  });
});

test.each(['2P', '2251799813685248', '4P', '7E', '9223372036854775296', '9223372036854775807'])('size %s', (size) => {
  expect(verdict({ size, cluster_size: '2M' }).difference).toBeUndefined();
});

describe('names in the header', () => {
  /** Around the room that we believe there is, and around the longest name. */
  function lengths(texts: OptionTexts): number[] {
    const { values } = readOptions(qcow2Options, texts);
    const room = backingNameRoom(values);
    return [...new Set([1, 8, room - 1, room, room + 1, 1023, 1024])].filter((length) => length > 0);
  }

  function sweep(texts: OptionTexts): void {
    for (const length of lengths(texts)) {
      expect(verdict({ ...texts, size: '1M', backing_file: 'n'.repeat(length) }).difference).toBeUndefined();
    }
  }

  test.each([
    { cluster_size: '512' },
    { cluster_size: '512', compat: '0.10' },
    { cluster_size: '1K' },
    { cluster_size: '4K' },
    { cluster_size: '8K' },
    {},
  ])('backing file, %o', (texts) => {
    for (const backing_fmt of ['raw', 'qcow2', 'snapshot-access']) sweep({ ...texts, backing_fmt });
  });

  // A file name of a host has at most 255 bytes.
  test.each([1, 8, 100, 248, 249, 255])('data file of %i bytes beside a backing file', (length) => {
    sweep({ cluster_size: '512', data_file: 'd'.repeat(length), backing_fmt: 'raw' });
  });
});
