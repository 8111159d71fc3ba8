/** The conversion's steps without a host: batches in a row, results in order, failures and cancelling. */
import { deflateRawSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { type MemoryDevice, memoryDeviceOf } from '../../engine/device/memory.ts';
import { DiskwrightError } from '../../engine/errors.ts';
import { qcow2Driver } from '../../engine/formats/qcow2/driver.ts';
import { readGuest } from '../../engine/image/access.ts';
import type { WritableImage } from '../../engine/image/writable.ts';
import { FaultyDevice } from '../../testing/faulty-device.ts';
import { Random } from '../../testing/random.ts';
import { newImage, openForWriting, openRaw, problemsOf } from '../../testing/writable/qcow2-images.ts';
import { writeLayout } from '../write-layout.ts';
import { type Batch, type ConvertRequest, type ConvertStep, convertDisks, type Packed } from './convert.ts';

const UNIT = 4096;
const SIZE = 3 * 1024 * 1024 + 512;

function content(): Uint8Array {
  const random = new Random(7);
  const bytes = new Uint8Array(SIZE);
  for (let at = 0; at < SIZE; at += UNIT) {
    const kind = random.below(3);
    if (kind > 0)
      for (let i = at; i < Math.min(SIZE, at + UNIT); i++) bytes[i] = kind === 1 ? random.below(256) : 65 + (i % 7);
  }
  return bytes;
}

const source = (bytes: Uint8Array) => ({ chain: [openRaw(memoryDeviceOf(bytes))] as const, clusterSizes: [undefined] });

const requestOf = (bytes: Uint8Array, target: WritableImage, more: Partial<ConvertRequest> = {}): ConvertRequest => ({
  sources: [source(bytes)],
  target,
  backed: false,
  targetIsZero: true,
  leastZeros: 4096,
  ...more,
});

function pack({ bytes, units, unit }: Batch): Packed {
  return {
    bytes,
    units: Array.from({ length: units }, (_, i) => deflateRawSync(bytes.subarray(i * unit, (i + 1) * unit))),
  };
}

/** Runs all steps; what is asked for together is packed from the last to the first. */
function runAll(request: ConvertRequest): ConvertStep['kind'][] {
  const steps = convertDisks(request);
  const asked: Batch[] = [];
  const ready = new Map<Batch, Packed>();
  const kinds: ConvertStep['kind'][] = [];
  for (let answer: Packed | undefined; ; ) {
    const next = steps.next(answer);
    answer = undefined;
    if (next.done) return kinds;
    if (next.value.kind !== 'progress') kinds.push(next.value.kind);
    if (next.value.kind === 'pack') asked.push(next.value.batch);
    if (next.value.kind === 'wait') {
      for (const batch of asked.splice(0).reverse()) ready.set(batch, pack(batch));
      answer = ready.get(next.value.batch);
    }
  }
}

function diskOf(device: MemoryDevice, size: number): Uint8Array {
  const image = qcow2Driver.open?.({ image: device });
  if (!image) throw new Error('cannot be opened');
  const bytes = new Uint8Array(size);
  readGuest([image], 0, bytes);
  return bytes;
}

test.each([undefined, 1, 3, 100])('a disk arrives whole, %s batches at a time', (packing) => {
  const device = newImage({ size: String(SIZE), cluster_size: String(UNIT) });
  const target = openForWriting({ image: device });
  const kinds = runAll(requestOf(content(), target, { packing }));
  target.close();
  expect(Buffer.compare(diskOf(device, SIZE), content())).toBe(0);
  expect(problemsOf(device)).toEqual([]);
  const count = (kind: string): number => kinds.filter((one) => one === kind).length;
  expect(count('wait')).toBe(count('pack'));
  let underWay = 0;
  for (const kind of kinds) {
    underWay += kind === 'pack' ? 1 : -1;
    expect(underWay).toBeLessThanOrEqual(packing ?? 0);
  }
});

test('results are the same however many batches are under way', () => {
  const files = [1, 2, 50].map((packing) => {
    const device = newImage({ size: String(SIZE), cluster_size: String(UNIT) });
    const target = openForWriting({ image: device });
    runAll(requestOf(content(), target, { packing }));
    target.close();
    const bytes = new Uint8Array(device.size);
    device.read(0, bytes);
    return Buffer.from(bytes).toString('latin1');
  });
  expect(files[1] === files[0] && files[2] === files[0]).toBe(true);
});

test('progress counts the data and ends with all of it', () => {
  const device = newImage({ size: String(SIZE) });
  const steps = [...convertDisks(requestOf(content(), openForWriting({ image: device })))];
  const last = steps.at(-1);
  expect(last).toMatchObject({ kind: 'progress', done: SIZE, total: SIZE });
});

test('zeros are told to an image that does not start as zeros, in their place between the data', () => {
  for (const packing of [undefined, 2]) {
    const device = newImage({ size: String(SIZE), cluster_size: String(UNIT) });
    const target = openForWriting({ image: device });
    if (packing === undefined) target.write(0, new Uint8Array(SIZE).fill(9));
    runAll(requestOf(content(), target, { packing, targetIsZero: false }));
    target.close();
    expect(Buffer.compare(diskOf(device, SIZE), content())).toBe(0);
    expect(problemsOf(device)).toEqual([]);
  }
});

test('a full device ends it with the reason', () => {
  const device = new FaultyDevice({ room: 1024 * 1024 });
  const layout = qcow2Driver.create?.layout({ texts: { size: String(SIZE) } }).image;
  if (!layout) throw new Error('no layout');
  writeLayout(layout, device);
  const steps = convertDisks(requestOf(new Uint8Array(SIZE).fill(1), openForWriting({ image: device })));
  expect(() => [...steps]).toThrow(DiskwrightError);
});

test('a damaged map is found before anything is written', () => {
  const device = newImage({ size: String(SIZE) });
  const writes: number[] = [];
  const target: WritableImage = {
    ...openForWriting({ image: device }),
    virtualSize: SIZE,
    write: (at) => writes.push(at),
  };
  const broken = {
    virtualSize: SIZE,
    locate(at: number, length: number) {
      if (at > SIZE / 2) throw new DiskwrightError('corrupt', 'broken');
      return {
        kind: 'data',
        at,
        length: Math.min(length, 65536),
        device: memoryDeviceOf(new Uint8Array(SIZE)),
        host: at,
      } as const;
    },
  };
  const request = { ...requestOf(content(), target), sources: [{ chain: [broken] as const, clusterSizes: [65536] }] };
  expect(() => [...convertDisks(request)]).toThrow('broken');
  expect(writes).toEqual([]);
});
