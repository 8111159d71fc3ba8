/** Damaged images that once were checked or repaired wrongly here, or that QEMU handles badly. */
import { expect, test } from 'vitest';
import { writeLayout } from '../../../../jobs/write-layout.ts';
import { MemoryDevice } from '../../../device/memory.ts';
import { DiskwrightError } from '../../../errors.ts';
import type { OptionTexts } from '../../../options/declare.ts';
import { qcow2Driver } from '../driver.ts';
import { openHeader } from '../open-header.ts';
import { checkAtOnce } from './check.ts';
import { repairDirty, repairImage } from './repair.ts';

const CLUSTER = 65536;
const TABLE = CLUSTER;
const BLOCK = 2 * CLUSTER;

/** A new image of 4 MiB, all of it allocated: L1 in cluster 3, one L2 table, 64 clusters of data. */
function newImage(texts: OptionTexts = {}, device = new MemoryDevice()): MemoryDevice {
  const layout = qcow2Driver.create?.layout({ texts: { size: '4M', preallocation: 'metadata', ...texts } }).image;
  if (!layout) throw new Error('qcow2 images cannot be made');
  writeLayout(layout, device);
  return device;
}

function put(device: MemoryDevice, at: number, value: bigint): void {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value);
  device.write(at, bytes);
}

function at(device: MemoryDevice, offset: number): bigint {
  const bytes = new Uint8Array(8);
  device.read(offset, bytes);
  return new DataView(bytes.buffer).getBigUint64(0);
}

const place = (entry: bigint): number => Number(entry & 0x00ff_ffff_ffff_fe00n);

/** Offset of the one L2 table. */
const l2Of = (device: MemoryDevice): number => place(at(device, place(at(device, 40))));

function repair(device: MemoryDevice) {
  const steps = repairImage(device, 'all');
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

const verdict = (device: MemoryDevice): readonly number[] => {
  const { corruptions, leaks, failures } = checkAtOnce(device);
  return [corruptions, leaks, failures];
};

function bytesOf(device: MemoryDevice): Buffer {
  const bytes = Buffer.alloc(device.size);
  device.read(0, bytes);
  return bytes;
}

test.each([
  ['reserved bits', 0x20001n, 0],
  ['a place inside a cluster', 0x20200n, 74],
  ['a place behind 8 EiB', 0xffff_0000_0002_0000n, 74],
])('a refcount table entry with %s is a finding, and the refcounts are built anew', (_, entry, failures) => {
  const device = newImage();
  const used = checkAtOnce(device).imageEndOffset / CLUSTER;
  put(device, TABLE, entry);
  expect(checkAtOnce(device).failures).toBe(failures === 0 ? 0 : used);
  const { again, corruptionsFixed } = repair(device);
  expect(corruptionsFixed).toBeGreaterThan(0);
  expect(again?.findings).toEqual([]);
  expect(verdict(device)).toEqual([0, 0, 0]);
});

test('a refcount block far outside does not make the file grow there', () => {
  const device = newImage();
  const size = device.size;
  put(device, TABLE + 8, 2n ** 42n);
  expect(repair(device).again?.findings).toEqual([]);
  expect(device.size).toBeLessThan(size + 4 * CLUSTER);
});

test('new refcounts of an image that was cut off lie where nothing refers to', () => {
  const device = newImage({ cluster_size: '4k' });
  // All of the tables, half of the data, and no refcounts.
  const cut = Math.floor(device.size / 4096 / 2) * 4096;
  device.resize(cut);
  put(device, 4096, 0n);
  const referred = new Set<number>();
  const l1 = place(at(device, 40));
  for (let i = 0; i < 2; i++) {
    const l2 = place(at(device, l1 + i * 8));
    for (let entry = 0; entry < 512; entry++) referred.add(place(at(device, l2 + entry * 8)));
  }
  repair(device);
  const table = Number(at(device, 48));
  expect(referred).not.toContain(table);
  for (let i = 0; i < 512; i++) {
    const block = Number(at(device, table + i * 8));
    if (block !== 0) expect(referred).not.toContain(block);
  }
  expect(checkAtOnce(device).failures).toBe(0);
});

test('a device that cannot grow gives new refcounts what nothing refers to', () => {
  class Fixed extends MemoryDevice {
    end = Number.POSITIVE_INFINITY;
    override resize(size: number): void {
      if (size > this.end) throw new DiskwrightError('no-space', 'it cannot grow');
      super.resize(size);
    }
  }
  const device = new Fixed();
  newImage({ size: '5M' }, device);
  // The last cluster of data is given up, so that two are free with the old refcounts' own.
  const l2 = l2Of(device);
  for (let i = 70; i < 80; i++) put(device, l2 + i * 8, 0n);
  put(device, TABLE, 0n);
  device.end = device.size;
  const size = device.size;
  expect(repair(device).again?.findings).toEqual([]);
  expect(device.size).toBe(size);
});

test('no room for new refcounts leaves everything as it was', () => {
  class Full extends MemoryDevice {
    full = false;
    override write(offset: number, from: Uint8Array): void {
      if (this.full && offset + from.length > this.size - CLUSTER) throw new DiskwrightError('no-space', 'it is full');
      super.write(offset, from);
    }
  }
  const device = new Full();
  newImage({}, device);
  put(device, BLOCK, 0n);
  const before = bytesOf(device);
  device.full = true;
  expect(() => repair(device)).toThrow('it is full');
  expect(bytesOf(device).equals(before)).toBe(true);
});

test('a snapshot whose L1 table lies behind 8 EiB is not given up for one wrong bit', () => {
  const device = newImage();
  const table = 100 * CLUSTER;
  device.write(table, new Uint8Array(64));
  put(device, table, 2n ** 63n + 0x30000n);
  device.write(table + 8, Uint8Array.of(0, 0, 0, 1));
  device.write(60, Uint8Array.of(0, 0, 0, 1));
  put(device, 64, BigInt(table));
  const before = bytesOf(device);
  expect(() => checkAtOnce(device)).toThrow('where no file reaches');
  expect(() => repair(device)).toThrow('where no file reaches');
  expect(bytesOf(device).equals(before)).toBe(true);
});

test('more snapshots than can be are given up, and the rest is written anew', () => {
  const device = newImage();
  const table = 100 * CLUSTER;
  device.resize(table + 3 * 2 ** 20);
  device.write(60, Uint8Array.of(0, 1, 0, 4));
  put(device, 64, BigInt(table));
  expect(() => checkAtOnce(device)).toThrow('at most 65536');
  const { again, corruptionsFixed } = repair(device);
  // Four too many; none has the extra data that version 3 asks for.
  expect(corruptionsFixed).toBeGreaterThanOrEqual(4 + 65536);
  expect([again?.corruptions, again?.leaks]).toEqual([0, 0]);
  expect(openHeader(device).snapshots.count).toBe(65536);
});

test('an entry inside the header is not repaired, nor anything else then', () => {
  const device = newImage();
  // The L1 entry has reserved bits alone: the header is taken for an L2 table.
  put(device, 3 * CLUSTER, 1n);
  // Reads as zeros, and keeps a place that is not aligned.
  put(device, 1024, 0x50201n);
  const before = bytesOf(device);
  const { refused, corruptionsFixed } = repair(device);
  expect([refused, corruptionsFixed]).toEqual(['tables lie on top of each other', 0]);
  expect(bytesOf(device).equals(before)).toBe(true);
});

test('subclusters both allocated and zero do not make their cluster a leak', () => {
  const device = newImage({ extended_l2: 'on' });
  put(device, l2Of(device) + 8, 0x0000_0001_0000_0001n);
  expect(verdict(device)).toEqual([1, 0, 0]);
});

test('the end marker of the extensions must not claim more than its place', () => {
  const device = newImage();
  device.write(504, Uint8Array.of(0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff));
  expect(() => qcow2Driver.describe?.(device)).toThrow('longer than its place');
});

test('a dirty image is clean after its repair, a corrupt one is not written', () => {
  const device = newImage();
  device.write(79, Uint8Array.of(3));
  put(device, BLOCK + 8, 0n);
  expect(() => openHeader(device, 'write')).toThrow('marked corrupt');
  expect(repairDirty(device).corruptionsFixed).toBeGreaterThan(0);
  expect(openHeader(device, 'write').incompatible).toBe(0n);
  expect(verdict(device)).toEqual([0, 0, 0]);
});

test('an image that cannot be repaired is not opened for writing as if it were', () => {
  const device = newImage();
  device.write(79, Uint8Array.of(1));
  put(device, 3 * CLUSTER, 1n);
  put(device, 1024, 0x50201n);
  expect(() => repairDirty(device)).toThrow('cannot be repaired');
});
