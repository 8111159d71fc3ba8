import { expect, test, vi } from 'vitest';
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
  // A clock of its own, so that a loaded machine cannot make it fail: each write takes 10 ms.
  let clock = 0;
  const now = vi.spyOn(performance, 'now').mockImplementation(() => clock);
  let turnedAt = 0;
  let longest = 0;
  let running = true;
  const turn = (): void => {
    longest = Math.max(longest, clock - turnedAt);
    turnedAt = clock;
    if (running) setImmediate(turn);
  };
  setImmediate(turn);
  class Slow extends MemoryDevice {
    override zero(at: number, length: number): void {
      clock += 10;
      super.zero(at, length);
    }
  }
  function* work(): Operation<void> {
    yield { kind: 'zeros', at: 0, length: 8 * MIB * 100 };
  }
  await pump(work(), new Slow());
  running = false;
  now.mockRestore();
  expect(clock).toBe(1000);
  expect(longest).toBeGreaterThan(0);
  expect(longest).toBeLessThanOrEqual(100);
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
