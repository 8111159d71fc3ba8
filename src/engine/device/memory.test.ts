import { describe, expect, test } from 'vitest';
import { describeDeviceContract } from '../../testing/device-contract.vitest.ts';
import { MemoryDevice, memoryDeviceOf } from './memory.ts';

describeDeviceContract('memory', { make: () => new MemoryDevice() });

describe('memory device', () => {
  const TIB = 2 ** 40;

  test('a 64 TiB image costs its metadata', () => {
    const device = new MemoryDevice();
    device.resize(64 * TIB);
    device.write(64 * TIB - 10, new Uint8Array(10).fill(1));
    device.write(TIB, new Uint8Array(10).fill(2));
    expect(device.size).toBe(64 * TIB);
    expect(device.resident).toBe(2 * 65536);
  });

  test('zeroing a huge range makes no pages and drops the ones inside it', () => {
    const device = new MemoryDevice();
    device.write(0, new Uint8Array(100).fill(1));
    device.write(5 * TIB, new Uint8Array(1_000_000).fill(2));
    const started = performance.now();
    device.zero(50, 64 * TIB);
    // A walk over its pages would take minutes.
    expect(performance.now() - started).toBeLessThan(5000);
    expect(device.size).toBe(64 * TIB + 50);
    expect(device.resident).toBe(65536);
    expect([...device.runs(0, device.size)]).toEqual([
      { kind: 'data', at: 0, length: 65536 },
      { kind: 'hole', at: 65536, length: 64 * TIB + 50 - 65536 },
    ]);
  });

  test('shrinking gives memory back', () => {
    const device = new MemoryDevice();
    device.write(0, new Uint8Array(1_000_000).fill(1));
    device.resize(1);
    expect(device.resident).toBe(65536);
  });

  test('an offset beyond 2^53 is out of range, not wrong', () => {
    expect(() => new MemoryDevice().resize(2 ** 60)).toThrow(expect.objectContaining({ kind: 'out-of-range' }));
  });

  test('behind the end, in the page that the end lies in, there is a hole', () => {
    expect([...memoryDeviceOf(new Uint8Array(1000)).runs(1010, 14)]).toEqual([{ kind: 'hole', at: 1010, length: 14 }]);
  });

  test('bytes become a device', () => {
    const device = memoryDeviceOf(Uint8Array.of(1, 2, 3));
    const into = new Uint8Array(4);
    device.read(0, into);
    expect([...into, device.size]).toEqual([1, 2, 3, 0, 3]);
  });
});
