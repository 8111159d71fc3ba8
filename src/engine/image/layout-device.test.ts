import fc from 'fast-check';
import { expect, it } from 'vitest';
import '../../testing/seed.ts';
import { imageLayoutOf } from '../formats/qcow2/image-layout.ts';
import { parametersOf } from '../formats/qcow2/parameters.ts';
import { LayoutDevice } from './layout-device.ts';

/** The whole file of a layout. */
function fileOf(options: Record<string, string>) {
  const layout = imageLayoutOf(parametersOf(options)).image;
  const file = new Uint8Array(layout.length);
  for (const piece of layout.pieces()) {
    if (piece.content === 'bytes') layout.fill(piece, 0, file.subarray(piece.at, piece.at + piece.length));
  }
  return { layout, file };
}

const images = [
  fileOf({ size: '3M', cluster_size: '512', preallocation: 'metadata' }),
  fileOf({ size: '1M', extended_l2: 'on', cluster_size: '16K', preallocation: 'falloc' }),
  fileOf({ size: '700K', refcount_bits: '1', cluster_size: '1K' }),
];

it('reads what the file would hold, wherever a read begins, forward or back', () => {
  const reads = fc.array(
    fc.record({ place: fc.double({ min: 0, max: 1, noNaN: true }), length: fc.integer({ min: 1, max: 5000 }) }),
    { minLength: 1, maxLength: 20 },
  );
  fc.assert(
    fc.property(fc.constantFrom(...images), reads, ({ layout, file }, list) => {
      const device = new LayoutDevice(layout);
      for (const { place, length } of list) {
        const at = Math.floor(place * file.length);
        const into = new Uint8Array(length).fill(0xee);
        device.read(at, into);
        const wrong = into.findIndex((byte, i) => byte !== (file[at + i] ?? 0));
        expect(wrong, `byte ${at + wrong}`).toBe(-1);
      }
    }),
  );
});
