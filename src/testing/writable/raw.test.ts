/** The contract of writable images, for raw ones: the disk is the file. */
import { expect, test } from 'vitest';
import { MemoryDevice } from '../../engine/device/memory.ts';
import { openWritableRaw } from '../../engine/formats/raw/image.ts';
import { runs, seed } from '../seed.ts';
import { firstFault, type OpenSubject, shuffledGrid, type WritableSubject } from './contract.ts';

const SIZE = 300_032;

const subject: WritableSubject = {
  name: 'raw',
  clusterSize: 65536,
  discardUnit: 1,
  edges: [0, 512, 4096, 65536, 131072, SIZE],
  lengths: [1, 511, 512, 4095, 4096, 65535, 65536, 65537, SIZE],
  open() {
    const image = new MemoryDevice();
    image.resize(SIZE);
    const model = new MemoryDevice();
    model.resize(SIZE);
    const opened = (): OpenSubject => {
      const writable = openWritableRaw({ image });
      return {
        image: writable,
        chain: [writable],
        model,
        problems: () => (image.size === SIZE ? [] : [`the file has ${image.size} bytes`]),
        reopened() {
          writable.close();
          return opened();
        },
      };
    };
    return opened();
  },
};

test('every edge, every length, every kind of change', () => {
  expect(firstFault(subject, shuffledGrid(subject, SIZE, seed, runs(600)))).toBe(undefined);
});
