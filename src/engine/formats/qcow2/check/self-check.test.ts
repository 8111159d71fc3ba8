/** Layout and check know nothing of each other: what one lays out, the other must find sound. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import '../../../../testing/seed.ts';
import { LayoutDevice } from '../../../image/layout-device.ts';
import { imageLayoutOf } from '../image-layout.ts';
import { parametersOf } from '../parameters.ts';
import { checkAtOnce } from './check.ts';

it('every new image is sound, and as allocated as its preallocation says', () => {
  const requests = fc.record({
    cluster: fc.constantFrom(512, 1024, 4096, 16384, 65536, 2097152),
    bits: fc.constantFrom('1', '2', '4', '8', '16', '32', '64'),
    extended: fc.boolean(),
    preallocation: fc.constantFrom('off', 'metadata', 'falloc', 'full'),
    dataFile: fc.boolean(),
    clusters: fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 30000 })),
    tail: fc.integer({ min: -512, max: 512 }),
  });
  fc.assert(
    fc.property(requests, ({ cluster, bits, extended, preallocation, dataFile, clusters, tail }) => {
      const parameters = parametersOf({
        size: String(Math.max(0, clusters * cluster + tail)),
        cluster_size: String(cluster),
        refcount_bits: bits,
        extended_l2: extended && cluster >= 16384 ? 'on' : 'off',
        preallocation,
        ...(dataFile ? { data_file: 'd.raw' } : {}),
      });
      const { findings, ...report } = checkAtOnce(new LayoutDevice(imageLayoutOf(parameters).image));
      expect(findings).toEqual([]);
      const total = parameters.geometry.guestClusters;
      expect(report.totalClusters).toBe(total);
      expect(report.allocatedClusters).toBe(preallocation === 'off' ? 0 : total);
    }),
    { numRuns: 80 },
  );
});
