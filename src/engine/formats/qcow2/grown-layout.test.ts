/**
 * Two ways to one image: the pure layout says the file of a disk in closed form, and the allocator arrives at the same
 * bytes when an empty image is opened and grown, cluster by cluster.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { writeLayout } from '../../../jobs/write-layout.ts';
import { runs, seed } from '../../../testing/seed.ts';
import { deviceDifference } from '../../../testing/writable/device-difference.ts';
import { openForWriting } from '../../../testing/writable/qcow2-images.ts';
import { MemoryDevice } from '../../device/memory.ts';
import type { Preallocation } from '../../image/writable.ts';
import type { OptionTexts } from '../../options/declare.ts';
import { imageLayoutOf } from './image-layout.ts';
import { parametersOf } from './parameters.ts';

/** Clusters that one image may have: each costs an entry and a count. */
const MOST_CLUSTERS = 30_000;

interface Request {
  readonly texts: OptionTexts;
  readonly size: number;
  readonly preallocation: Preallocation;
}

const request: fc.Arbitrary<Request> = fc
  .record({
    clusterBits: fc.oneof(fc.integer({ min: 9, max: 21 }), fc.constantFrom(9, 10, 12, 16)),
    refcountOrder: fc.integer({ min: 0, max: 6 }),
    version2: fc.boolean(),
    extended: fc.boolean(),
    dataFile: fc.integer({ min: 0, max: 5 }).map((n) => n === 0),
    lazy: fc.boolean(),
    preallocation: fc.constantFrom<Preallocation>('off', 'metadata', 'metadata', 'falloc', 'full'),
    edge: fc.integer({ min: 0, max: 5 }),
    times: fc.integer({ min: 1, max: 4 }),
    delta: fc.constantFrom(-1024, -512, 0, 512, 1024, 5120),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  .map((one) => {
    const clusterSize = 2 ** one.clusterBits;
    const extended = one.extended && clusterSize >= 16384 && !one.version2;
    const texts: Record<string, string> = { cluster_size: `${clusterSize}`, compat: one.version2 ? '0.10' : '1.1' };
    if (!one.version2) {
      texts.refcount_bits = `${2 ** one.refcountOrder}`;
      if (extended) texts.extended_l2 = 'on';
      if (one.dataFile) texts.data_file = 'data';
      if (one.lazy) texts.lazy_refcounts = 'on';
    }
    const width = one.version2 ? 16 : 2 ** one.refcountOrder;
    const perTable = clusterSize / (extended ? 16 : 8);
    const perBlock = (clusterSize * 8) / width;
    const most = MOST_CLUSTERS * clusterSize;
    const edges = [
      clusterSize,
      perTable * clusterSize,
      perBlock * clusterSize,
      (clusterSize / 8) * perBlock * clusterSize,
      (2 ** 31 / clusterSize) * clusterSize,
      Math.floor((one.share * most) / 512) * 512,
    ];
    const wanted = (edges[one.edge] ?? 0) * one.times + one.delta;
    const size = Math.max(512, wanted > most ? Math.floor((one.share * most) / 512) * 512 : wanted);
    return { texts, size, preallocation: one.preallocation };
  });

interface Files {
  readonly image: MemoryDevice;
  readonly data: MemoryDevice | undefined;
}

function laidOut(texts: OptionTexts): Files {
  const { image, dataFile } = imageLayoutOf(parametersOf(texts));
  const files = { image: new MemoryDevice(), data: dataFile ? new MemoryDevice() : undefined };
  writeLayout(image, files.image);
  if (dataFile && files.data) writeLayout(dataFile.layout, files.data);
  return files;
}

test('an empty image that is grown is the image that is laid out', () => {
  fc.assert(
    fc.property(request, ({ texts, size, preallocation }) => {
      const wanted = laidOut({ ...texts, size: `${size}`, preallocation });
      const { image, data } = laidOut({ ...texts, size: '0' });
      const opened = openForWriting({ image, ...(data ? { data } : {}) });
      const steps = opened.resize?.({ size, preallocation });
      if (!steps) throw new Error('the size cannot be changed');
      while (!steps.next().done);
      opened.close();
      expect(deviceDifference(image, wanted.image)).toBe(undefined);
      if (data && wanted.data) expect(deviceDifference(data, wanted.data)).toBe(undefined);
    }),
    { numRuns: runs(400), seed },
  );
}, 600_000);
