/** What would make a recognised raw image look otherwise is not written, whichever request it is that does it. */
import { expect, test } from 'vitest';
import { MemoryDevice } from '../../engine/device/memory.ts';
import { openWritableRaw } from '../../engine/formats/raw/image.ts';
import { guardFirstSector } from './probed-raw.ts';

/** The last byte of QED's magic is a zero. */
const ALMOST_QED = Uint8Array.of(0x51, 0x45, 0x44, 1);

async function guarded() {
  const device = new MemoryDevice();
  device.resize(4096);
  const image = await guardFirstSector(openWritableRaw({ image: device, data: undefined, backing: undefined }));
  const head = (): Uint8Array => {
    const bytes = new Uint8Array(4);
    device.read(0, bytes);
    return bytes;
  };
  return { image, head };
}

test('a magic is not written, whole or piece by piece', async () => {
  const { image, head } = await guarded();
  expect(() => image.write(0, Uint8Array.of(0x51, 0x45, 0x44, 0))).toThrow('of a qed image');
  expect(head()).toEqual(new Uint8Array(4));
  image.write(1, Uint8Array.of(0x45, 0x44));
  expect(() => image.write(0, Uint8Array.of(0x51))).toThrow('of a qed image');
});

test.each(['zero', 'discard'] as const)('%s does not complete one either', async (request) => {
  const { image, head } = await guarded();
  image.write(0, ALMOST_QED);
  expect(() => image[request](3, 1)).toThrow('of a qed image');
  expect(() => image[request](3, 4093)).toThrow('of a qed image');
  expect(head()).toEqual(ALMOST_QED);
  image[request](0, 4);
  expect(head()).toEqual(new Uint8Array(4));
});

test('behind the first sector anything goes', async () => {
  const { image } = await guarded();
  image.write(512, Uint8Array.of(0x51, 0x45, 0x44, 0));
  image.zero(512, 4);
  image.discard(512, 512);
});
