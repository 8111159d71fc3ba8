import { expect, test } from 'vitest';
import { MemoryDevice } from '../../engine/device/memory.ts';
import type { Operation } from '../../jobs/step.ts';
import { FaultyDevice } from '../../testing/faulty-device.ts';
import { pump } from './pump.ts';

const MIB = 1024 * 1024;

test('bytes and zeros reach the device, progress the listener, the result the caller', async () => {
  const device = new MemoryDevice();
  device.write(0, new Uint8Array(100).fill(9));
  const seen: number[] = [];
  function* work(): Operation<string> {
    yield { kind: 'emit', at: 2, bytes: Uint8Array.of(1, 2) };
    yield { kind: 'zeros', at: 10, length: 30 * MIB };
    yield { kind: 'progress', done: 5, total: 6 };
    return 'done';
  }
  expect(await pump(work(), device, { onProgress: (done, total) => seen.push(done, total) })).toBe('done');
  const bytes = new Uint8Array(12);
  device.read(0, bytes);
  expect([...bytes]).toEqual([9, 9, 1, 2, 9, 9, 9, 9, 9, 9, 0, 0]);
  expect(device.size).toBe(30 * MIB + 10);
  expect(seen).toEqual([5, 6]);
});

test('the event loop turns at least every 100 ms, also inside one long stretch of zeros', async () => {
  const device = new MemoryDevice();
  let longest = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }, 1);
  class Slow extends MemoryDevice {
    override zero(at: number, length: number): void {
      const until = performance.now() + 5;
      while (performance.now() < until);
      super.zero(at, length);
    }
  }
  function* work(): Operation<void> {
    yield { kind: 'zeros', at: 0, length: 8 * MIB * 100 };
  }
  await pump(work(), new Slow());
  clearInterval(timer);
  device.close();
  expect(longest).toBeGreaterThan(0);
  // Half of it is the rule; the rest is a loaded machine.
  expect(longest).toBeLessThan(300);
});

test('a signal cancels: the operation is returned from and the error says so', async () => {
  const cancel = new AbortController();
  let cleaned = false;
  function* work(): Operation<void> {
    try {
      for (;;) yield { kind: 'progress', done: 0, total: 1 };
    } finally {
      cleaned = true;
    }
  }
  setTimeout(() => cancel.abort(), 20);
  await expect(pump(work(), new MemoryDevice(), { signal: cancel.signal })).rejects.toMatchObject({
    kind: 'cancelled',
  });
  expect(cleaned).toBe(true);
});

test('a failing device ends the operation too', async () => {
  let cleaned = false;
  function* work(): Operation<void> {
    try {
      yield { kind: 'emit', at: 0, bytes: new Uint8Array(100) };
    } finally {
      cleaned = true;
    }
  }
  await expect(pump(work(), new FaultyDevice({ room: 50 }))).rejects.toMatchObject({ kind: 'no-space' });
  expect(cleaned).toBe(true);
});
