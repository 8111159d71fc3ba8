/** Bitmaps without qemu-img: what a failing device or a damaged directory may cost. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { runs, seed } from '../../../../testing/seed.ts';
import { newImage, openForWriting, problemsOf } from '../../../../testing/writable/qcow2-images.ts';
import type { WritableDevice } from '../../../device/device.ts';
import { MemoryDevice, memoryDeviceOf } from '../../../device/memory.ts';
import { DiskwrightError } from '../../../errors.ts';
import type { BitmapControl, WritableImage } from '../../../image/writable.ts';
import { describeImage } from '../info.ts';
import { readBitmapSource } from './stored-bitmaps.ts';

const SIZE = 2 ** 20;

function bitmapsOf(image: WritableImage): BitmapControl {
  if (!image.bitmaps) throw new Error('no bitmaps');
  return image.bitmaps;
}

function bytesOf(device: MemoryDevice): Uint8Array {
  const bytes = new Uint8Array(device.size);
  for (let at = 0; at < bytes.length; at += SIZE) device.read(at, bytes.subarray(at, at + SIZE));
  return bytes;
}

/** Two bitmaps, one of which has recorded something. */
function recorded(): MemoryDevice {
  const device = newImage({ size: `${SIZE}`, cluster_size: '512' });
  const image = openForWriting({ image: device });
  bitmapsOf(image).add('one', { granularity: 512 });
  bitmapsOf(image).add('two', { disabled: true });
  image.write(100_000, new Uint8Array(300_000).fill(1));
  image.close();
  return device;
}

/** Name → what it marks, for those that can be trusted. */
function marks(device: MemoryDevice): Record<string, string> {
  const { data } = describeImage(device).specific ?? {};
  const list = (data?.bitmaps ?? []) as readonly { name: string; flags: readonly string[] }[];
  const source = readBitmapSource(device);
  const found: Record<string, string> = {};
  for (const { name, flags } of list) {
    if (flags.includes('in-use')) continue;
    const runs: string[] = [];
    source.visitMarked(name, (at, length) => runs.push(`${at}+${length}`));
    found[name] = runs.join(' ');
  }
  return found;
}

/** Fails the nth thing that it is asked to do, once or from then on; a flush fails when everything is on the disk. */
class Fails extends MemoryDevice implements WritableDevice {
  left = Number.POSITIVE_INFINITY;
  forEver = false;

  override write(at: number, from: Uint8Array): void {
    this.#count();
    super.write(at, from);
  }

  override zero(at: number, length: number): void {
    this.#count();
    super.zero(at, length);
  }

  override flush(): void {
    this.#count();
  }

  #count(): void {
    this.left--;
    if (this.left === 0 || (this.forEver && this.left < 0)) throw new DiskwrightError('io', 'the device fails');
  }
}

test('what is recorded is where guests wrote, in bitmaps that are enabled', () => {
  const device = recorded();
  expect(marks(device)).toEqual({ one: `99840+${400_000 - 99_840 + 384}`, two: '' });
  const image = openForWriting({ image: device });
  const bitmaps = bitmapsOf(image);
  bitmaps.enable('two');
  bitmaps.disable('one');
  image.zero(0, 10);
  image.discard(5000, 1000);
  bitmaps.clear('one');
  bitmaps.merge('one', 'two');
  image.close();
  expect(marks(device)).toEqual({ one: '0+8192', two: '0+8192' });
  expect(problemsOf(device)).toEqual([]);
});

test('a device that fails, whatever it does: a bitmap says what it said, or that it is not to be trusted', () => {
  const start = bytesOf(recorded());
  for (const forEver of [false, true]) {
    let failed = true;
    for (let at = 1; failed; at++) {
      const device = new Fails();
      device.write(0, start);
      device.forEver = forEver;
      device.left = at;
      let wrote = false;
      try {
        const image = openForWriting({ image: device });
        try {
          const bitmaps = bitmapsOf(image);
          bitmaps.add('three', {});
          bitmaps.remove('two');
          image.write(0, Uint8Array.of(1));
          wrote = true;
        } finally {
          image.close();
        }
      } catch (thrown) {
        expect(thrown).toMatchObject({ message: 'the device fails' });
      }
      failed = device.left <= 0;
      device.left = Number.POSITIVE_INFINITY;
      const [verdict = '0 corruptions', ...findings] = problemsOf(device);
      expect([at, verdict.replace(/,.*/, ''), verdict.startsWith('0 ') ? [] : findings]).toEqual([
        at,
        '0 corruptions',
        [],
      ]);
      for (const [name, runs] of Object.entries(marks(device))) {
        const before = { one: '99840+300544', two: '', three: '' }[name];
        const after = { one: '0+512 99840+300544', three: '0+4096' }[name];
        // A write that failed is marked too.
        expect([at, name, wrote ? [after] : [before, after]]).toEqual([at, name, expect.arrayContaining([runs])]);
      }
      // Nothing was lost without a word: after a whole run everything is there.
      if (!failed) expect(Object.keys(marks(device))).toEqual(['one', 'three']);
    }
  }
});

test('damaged directories and tables end in words', () => {
  const good = Buffer.from(bytesOf(recorded()));
  const extension = good.indexOf('23852875', 104, 'hex');
  const directory = Number(good.readBigUInt64BE(extension + 24));
  const table = Number(good.readBigUInt64BE(directory));
  const places = fc.oneof(
    fc.nat(70).map((i) => directory + i),
    fc.nat(31).map((i) => table + i),
    fc.nat(31).map((i) => extension + i),
  );
  let opened = 0;
  fc.assert(
    fc.property(fc.array(fc.tuple(places, fc.nat(255)), { minLength: 1, maxLength: 3 }), (changes) => {
      const bytes = Buffer.from(good);
      for (const [at, value] of changes) bytes[at] = value;
      const device = memoryDeviceOf(bytes);
      try {
        const image = openForWriting({ image: device });
        opened++;
        image.write(0, Uint8Array.of(1));
        for (const name of ['one', 'two']) {
          try {
            bitmapsOf(image).merge('two', name);
            bitmapsOf(image).remove(name);
          } catch (thrown) {
            expect(thrown).toBeInstanceOf(DiskwrightError);
          }
        }
        image.close();
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(DiskwrightError);
      }
    }),
    { numRuns: runs(400), seed },
  );
  expect(opened).toBeGreaterThan(50);
});

test('several bitmaps that are added at once are listed as QEMU lists them: the last one first', () => {
  const device = newImage({ size: `${SIZE}` });
  const image = openForWriting({ image: device });
  for (const name of ['a', 'b', 'c']) bitmapsOf(image).add(name, {});
  image.close();
  expect(Object.keys(marks(device))).toEqual(['c', 'b', 'a']);
});

test('the directory is written over only while the header says that bitmaps are not valid', () => {
  const start = Buffer.from(bytesOf(recorded()));
  const directory = Number(start.readBigUInt64BE(start.indexOf('23852875', 104, 'hex') + 24));
  const autoclear: number[] = [];
  class Watched extends MemoryDevice {
    override write(at: number, from: Uint8Array): void {
      const byte = new Uint8Array(1);
      this.read(95, byte);
      if (at === directory) autoclear.push(byte[0] ?? 0);
      super.write(at, from);
    }
  }
  const device = new Watched();
  device.write(0, start);
  openForWriting({ image: device });
  expect(autoclear).toEqual([0]);
  // Left open, as by a crash: nothing is to be trusted.
  expect(marks(device)).toEqual({});
  expect(describeImage(device).specific?.data.bitmaps).toMatchObject([
    { flags: ['in-use'] },
    { flags: ['in-use', 'auto'] },
  ]);
});
