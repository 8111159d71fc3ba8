/** Snapshots without qemu-img: what is as before when something goes wrong, and what a damaged image may cost. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { runs, seed } from '../../../../testing/seed.ts';
import { newImage, openForWriting, problemsOf } from '../../../../testing/writable/qcow2-images.ts';
import type { WritableDevice } from '../../../device/device.ts';
import { MemoryDevice, memoryDeviceOf } from '../../../device/memory.ts';
import { DiskwrightError } from '../../../errors.ts';
import { readGuest } from '../../../image/access.ts';
import type { SnapshotControl, WritableImage } from '../../../image/writable.ts';
import { openHeader } from '../open-header.ts';
import { newSnapshot, nextSnapshotId, readSnapshots, snapshotTableBytes, snapshotTablePieces } from '../snapshots.ts';
import { allOf } from './steps.ts';

const DATE = { seconds: 1_700_000_000, nanoseconds: 5 };
const SIZE = 2 ** 20;

function snapshotsOf(image: WritableImage): SnapshotControl {
  if (!image.snapshots) throw new Error('no snapshots');
  return image.snapshots;
}

function bytesOf(device: MemoryDevice): Uint8Array {
  const bytes = new Uint8Array(device.size);
  for (let at = 0; at < bytes.length; at += SIZE) device.read(at, bytes.subarray(at, at + SIZE));
  return bytes;
}

/** What the guest sees, and what a list of snapshots says. */
function facts(device: MemoryDevice): { readonly disk: string; readonly names: readonly string[] } {
  const image = openForWriting({ image: memoryDeviceOf(bytesOf(device)) });
  const disk = new Uint8Array(Math.min(SIZE, image.virtualSize));
  readGuest([image], 0, disk);
  const names = snapshotsOf(image)
    .list()
    .map(({ name }) => name);
  return { disk: Buffer.from(disk).toString('base64'), names };
}

/** An image with a piece of data in every second cluster. */
function striped(texts: Record<string, string>): MemoryDevice {
  const device = newImage({ size: `${SIZE}`, cluster_size: '4096', ...texts });
  const image = openForWriting({ image: device });
  for (let at = 0; at < SIZE; at += 8192) image.write(at, new Uint8Array(3000).fill(1 + (at >> 13)));
  image.close();
  return device;
}

describe('refcounts that are full', () => {
  test.each([
    ['1', 0],
    ['2', 2],
  ])('%s bits: after %s snapshots the next is refused, and nothing is left of it', (bits, fit) => {
    const device = striped({ refcount_bits: bits });
    const image = openForWriting({ image: device }, { unmap: true });
    for (let i = 0; i < fit; i++) allOf(snapshotsOf(image).create(`fits ${i}`, DATE));
    // One cluster is shared less than the others: the count fails in the middle.
    image.write(700_000, new Uint8Array(5000).fill(9));
    image.write(0, new Uint8Array(4096).fill(8));
    image.flush();
    const before = facts(device);
    for (let twice = 0; twice < 2; twice++) {
      try {
        allOf(snapshotsOf(image).create('one too many', DATE));
        expect.unreachable();
      } catch (thrown) {
        expect(thrown).toMatchObject({
          message: expect.stringMatching(/as many references as [12] bits/),
          fix: expect.stringContaining('refcount_bits'),
        });
      }
    }
    image.close();
    expect(facts(device)).toEqual(before);
    expect(problemsOf(device)).toEqual([]);
  });

  test('a snapshot of another size that cannot be applied leaves the disk as it is', () => {
    const device = striped({ refcount_bits: '2' });
    const image = openForWriting({ image: device });
    allOf(snapshotsOf(image).create('a', DATE));
    allOf(snapshotsOf(image).create('b', DATE));
    if (image.resize) allOf(image.resize({ size: SIZE * 2, preallocation: 'off' }));
    image.write(SIZE, new Uint8Array(9000).fill(5));
    const steps = snapshotsOf(image).apply('a');
    expect(() => allOf(steps)).toThrow('as many references');
    expect(image.virtualSize).toBe(SIZE * 2);
    const there = new Uint8Array(1);
    readGuest([image], SIZE + 8999, there);
    expect(there[0]).toBe(5);
    image.close();
    expect(problemsOf(device)).toEqual([]);
  });
});

describe('work that is left in the middle', () => {
  const large = (): MemoryDevice =>
    newImage({ size: `${100 * SIZE}`, cluster_size: '512', preallocation: 'metadata', refcount_bits: '8' });

  test('a snapshot that was not finished leaves nothing behind', () => {
    const device = large();
    const image = openForWriting({ image: device }, { unmap: true });
    const steps = snapshotsOf(image).create('a', DATE);
    const first = steps.next();
    expect(first.done).toBe(false);
    expect(first.value).toMatchObject({ done: expect.any(Number), total: expect.any(Number) });
    steps.next();
    steps.return();
    image.close();
    expect(problemsOf(device)).toEqual([]);
    expect(facts(device).names).toEqual([]);
  });

  test.each(['apply', 'delete'] as const)('%s is finished: there is no way back', (verb) => {
    const device = large();
    const image = openForWriting({ image: device }, { unmap: true });
    allOf(snapshotsOf(image).create('a', DATE));
    image.write(5 * SIZE, new Uint8Array(5000).fill(7));
    const steps = snapshotsOf(image)[verb]('a');
    expect(steps.next().done).toBe(false);
    steps.return();
    const there = new Uint8Array(1);
    readGuest([image], 5 * SIZE, there);
    image.close();
    expect(there[0]).toBe(verb === 'apply' ? 0 : 7);
    expect(problemsOf(device)).toEqual([]);
    expect(facts(device).names).toEqual(verb === 'apply' ? ['a'] : []);
  });
});

/** Fails the nth thing that it is asked to do, once; a flush fails when everything is on the disk. */
class FailsOnce extends MemoryDevice implements WritableDevice {
  left = Number.POSITIVE_INFINITY;

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
    if (--this.left === 0) throw new DiskwrightError('io', 'the device fails');
  }
}

test('a device that fails once, whatever it does, costs no data and no snapshot that was there', () => {
  const start = bytesOf(striped({ refcount_bits: '8' }));
  for (const verb of ['create', 'apply', 'delete'] as const) {
    let failed = true;
    for (let at = 1; failed; at++) {
      const device = new FailsOnce();
      device.write(0, start);
      const image = openForWriting({ image: device }, { unmap: true });
      const snapshots = snapshotsOf(image);
      allOf(snapshots.create('first', DATE));
      image.write(100_000, new Uint8Array(50_000).fill(3));
      image.flush();
      const before = facts(device);
      device.left = at;
      let threw = false;
      try {
        allOf(verb === 'create' ? snapshots.create('second', DATE) : snapshots[verb]('first'));
      } catch (thrown) {
        expect(thrown).toMatchObject({ message: 'the device fails' });
        threw = true;
      }
      failed = device.left <= 0;
      // Closing may have been what failed.
      device.left = Number.POSITIVE_INFINITY;
      image.close();
      const after = facts(device);
      const problems = problemsOf(device);
      const damage = problems[0]?.startsWith('0 corruptions') ? [] : problems.slice(0, 5);
      expect([verb, at, damage]).toEqual([verb, at, []]);
      if (verb !== 'apply') expect([verb, at, after.disk === before.disk]).toEqual([verb, at, true]);
      if (verb !== 'delete') expect(after.names).toContain('first');
      if (verb === 'create' && !threw) expect(after.names).toContain('second');
    }
  }
});

test('entries keep what nobody knows', () => {
  const device = striped({});
  const image = openForWriting({ image: device });
  allOf(snapshotsOf(image).create('known', DATE));
  image.close();
  const file = bytesOf(device);
  const bytes = Buffer.concat([file, Buffer.alloc(100)]);
  const table = Number(bytes.readBigUInt64BE(64));
  const entry = bytes.subarray(table, table + 40 + 24 + 6);
  // Eight more bytes of extra data, and a name with something behind its end.
  const longer = Buffer.concat([entry.subarray(0, 64), Buffer.from('whatever'), Buffer.from('1knw\0x')]);
  longer.writeUInt32BE(32, 36);
  longer.writeUInt16BE(5, 14);
  longer.writeBigUInt64BE(2n ** 40n, 40);
  bytes.set(longer, table);
  const changed = memoryDeviceOf(bytes);
  const again = openForWriting({ image: changed });
  allOf(snapshotsOf(again).create('next', DATE));
  again.close();
  const { snapshots } = readSnapshots(changed, openHeader(changed));
  expect(snapshots).toMatchObject([
    { id: '1', name: 'knw', vmStateSize: 2n ** 40n, extraSize: 32, diskSize: BigInt(SIZE) },
    { id: '2', name: 'next', extraSize: 24, icount: 0n, seconds: DATE.seconds, nanoseconds: 5 },
  ]);
  expect(Buffer.from(snapshots[0]?.unknownExtra ?? []).toString()).toBe('whatever');
});

test('the next id is one more than the highest, whatever the ids are', () => {
  const next = (...ids: string[]): string => nextSnapshotId(ids.map((id) => ({ id }) as never));
  expect(next()).toBe('1');
  expect(next('3', '12', '7')).toBe('13');
  expect(next('abc', '', ' 4x', '+5')).toBe('6');
  expect(next('99999999999999999999999')).toBe('0');
  expect(next('-1')).toBe('0');
});

test('names and numbers that cannot be', () => {
  const device = striped({});
  const image = openForWriting({ image: device });
  const snapshots = snapshotsOf(image);
  expect(() => allOf(snapshots.create('n'.repeat(256), DATE))).toThrow('at most 255 bytes');
  expect(() => allOf(snapshots.create('ä'.repeat(128), DATE))).toThrow('at most 255 bytes');
  expect(() => allOf(snapshots.apply('x'))).toThrow('no snapshot "x"');
  expect(() => allOf(snapshots.delete('x'))).toThrow('no snapshot "x"');
  allOf(snapshots.create('2', DATE));
  allOf(snapshots.create('one', DATE));
  // An id goes before a name, but one of the list is that one.
  const [first] = snapshots.list();
  allOf(snapshots.delete('2'));
  expect(snapshots.list()).toEqual([first]);
  if (first) allOf(snapshots.delete(first));
  expect(snapshots.list()).toEqual([]);
  image.close();
  expect(problemsOf(device)).toEqual([]);
});

test('no more than 65536 snapshots', () => {
  const device = newImage({ size: `${SIZE}` });
  const at = 2 ** 20;
  const one = { id: '1', name: 'x', l1: { offset: 0, entries: 0 }, diskSize: SIZE, seconds: 1, nanoseconds: 2 };
  const many = new Array(65536).fill(newSnapshot(one));
  for (const piece of snapshotTablePieces(many, at)) device.write(piece.at, piece.bytes);
  const fields = Buffer.alloc(12);
  fields.writeUInt32BE(65536, 0);
  fields.writeBigUInt64BE(BigInt(at), 4);
  device.write(60, fields);
  const snapshots = snapshotsOf(openForWriting({ image: device }));
  expect(snapshots.list().length).toBe(65536);
  const before = device.size;
  expect(() => allOf(snapshots.create('one too many', DATE))).toThrow('65536 snapshots are the most');
  expect(device.size).toBe(before);
  expect(() => snapshotTableBytes(new Array(65536).fill(newSnapshot({ ...one, name: 'n'.repeat(2000) })))).toThrow(
    'would exceed 64 MiB',
  );
});

test('damaged images end in words', () => {
  const device = striped({ refcount_bits: '8' });
  const image = openForWriting({ image: device });
  allOf(snapshotsOf(image).create('a', DATE));
  image.write(0, new Uint8Array(200_000).fill(3));
  allOf(snapshotsOf(image).create('b', DATE));
  image.close();
  const good = Buffer.from(bytesOf(device));
  const table = Number(good.readBigUInt64BE(64));
  const l1 = Number(good.readBigUInt64BE(40));
  const inner = Number(good.readBigUInt64BE(table));
  const l2 = Number(good.readBigUInt64BE(l1) & 0x00ff_ffff_ffff_fe00n);
  // Where tables are, and values that name what they should not.
  const places = fc.oneof(
    fc.integer({ min: 0, max: 15 }).map((i) => l2 + i * 8),
    fc.integer({ min: 0, max: 0 }).map((i) => l1 + i * 8),
    fc.constant(inner),
    fc.integer({ min: 0, max: 8 }).map((i) => table + i * 8),
  );
  const values = fc.oneof(
    fc.constantFrom(l1, l2, table, inner, 0, 4096, 8192, 512).map(BigInt),
    fc.constantFrom(l2, 4096).map((offset) => BigInt(offset) | (1n << 63n)),
    fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    fc.bigInt({ min: 0n, max: 2n ** 40n }),
  );
  const verbs = fc.constantFrom('create', 'apply', 'delete') as fc.Arbitrary<'create' | 'apply' | 'delete'>;
  let worked = 0;
  fc.assert(
    fc.property(fc.array(fc.tuple(places, values), { minLength: 1, maxLength: 3 }), verbs, (changes, verb) => {
      const bytes = Buffer.from(good);
      for (const [at, value] of changes) bytes.writeBigUInt64BE(value, at);
      try {
        const damaged = openForWriting({ image: memoryDeviceOf(bytes) }, { unmap: true });
        const snapshots = snapshotsOf(damaged);
        try {
          allOf(verb === 'create' ? snapshots.create('c', DATE) : snapshots[verb]('a'));
          worked++;
        } finally {
          damaged.close();
        }
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(DiskwrightError);
      }
    }),
    { numRuns: runs(400), seed },
  );
  expect(worked).toBeGreaterThan(20);
});
