/** What reaches the browser is exactly what was written, whatever was gathered into one write. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { PickedHandle } from './picked-handle.ts';
import { PickedSink } from './picked-sink.ts';

const MiB = 1024 * 1024;

class FakeFile {
  readonly bytes = new Uint8Array(24 * MiB);
  readonly writes: { position: number; length: number }[] = [];
  size = 0;
  removed = false;
  failAt = Number.POSITIVE_INFINITY;

  handle(): PickedHandle {
    const handle = {
      name: 'a.img',
      createWritable: async () => ({
        write: async ({ position, data }: { position: number; data: Uint8Array }) => {
          // The browser reads the bytes some time after the call.
          await new Promise((resolve) => setTimeout(resolve, 0));
          if (this.writes.length >= this.failAt) throw new DOMException('no room', 'QuotaExceededError');
          this.bytes.set(data, position);
          this.writes.push({ position, length: data.length });
        },
        truncate: async (size: number) => {
          this.size = size;
        },
        close: async () => {},
        abort: async () => {},
      }),
      getFile: async () => ({ size: this.size }),
      remove: async () => {
        this.removed = true;
      },
    };
    return handle as unknown as PickedHandle;
  }
}

const step = fc.record({
  gap: fc.oneof(fc.constant(0), fc.nat(4096), fc.nat(300 * 1024)),
  length: fc.oneof(fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 1, max: 1024 * 1024 })),
  zeros: fc.boolean(),
});

test('random writes, zeros and gaps arrive in their places', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 15 }), async (steps) => {
      const file = new FakeFile();
      const expected = new Uint8Array(file.bytes.length);
      const sink = await PickedSink.open(file.handle());
      const buffer = new Uint8Array(MiB);
      let at = 0;
      for (const [index, { gap, length, zeros }] of steps.entries()) {
        at += gap;
        if (zeros) await sink.zeros(at, length);
        else {
          buffer.fill(index + 1, 0, length);
          expected.fill(index + 1, at, at + length);
          await sink.write(at, buffer.subarray(0, length));
          buffer.fill(0xee);
        }
        at += length;
      }
      const { length, written } = await sink.finish(at + 5000);
      expect(length).toBe(at + 5000);
      expect(written).toBe(file.writes.reduce((sum, one) => sum + one.length, 0));
      expect(Buffer.compare(file.bytes, expected)).toBe(0);
    }),
    { numRuns: 60 },
  );
});

test('tables with small gaps leave as few writes, far ones alone', async () => {
  const file = new FakeFile();
  const sink = await PickedSink.open(file.handle());
  for (let i = 0; i < 100; i++) await sink.write(i * 33_000, new Uint8Array(512).fill(1));
  await sink.write(20 * MiB, new Uint8Array(512).fill(1));
  await sink.finish(21 * MiB);
  expect(file.writes).toHaveLength(2);
});

test('a full disk is told as such, and abort removes the file', async () => {
  const file = new FakeFile();
  file.failAt = 1;
  const sink = await PickedSink.open(file.handle());
  await sink.zeros(0, 8 * MiB);
  await sink.zeros(8 * MiB, 8 * MiB);
  await expect(sink.finish(16 * MiB)).rejects.toMatchObject({ kind: 'no-space' });
  await sink.abort();
  expect(file.removed).toBe(true);
});

test('a gap over what was written before is left as it is', async () => {
  const file = new FakeFile();
  const sink = await PickedSink.open(file.handle());
  await sink.write(64 * 1024, new Uint8Array(64 * 1024).fill(2));
  // The place of a table that moved away is taken late, then it goes on behind the others.
  await sink.write(0, new Uint8Array(64 * 1024).fill(1));
  await sink.write(128 * 1024, new Uint8Array(64 * 1024).fill(3));
  await sink.finish(192 * 1024);
  expect([0, 64 * 1024, 128 * 1024].map((at) => file.bytes[at])).toEqual([1, 2, 3]);
});
