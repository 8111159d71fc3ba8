import { describe, expect, test } from 'vitest';
import { MemoryDevice } from '../engine/device/memory.ts';
import { FaultyDevice } from '../testing/faulty-device.ts';
import { type TruncateMode, truncateDevice } from './truncate.ts';

const MIB = 1024 * 1024;

function run(device: MemoryDevice, size: number, mode: TruncateMode): void {
  const operation = truncateDevice(device, size, mode);
  while (!operation.next().done);
}

function withBytes<D extends MemoryDevice>(device: D): D {
  device.write(0, new Uint8Array(1000).fill(7));
  return device;
}

describe('truncate', () => {
  test.each<TruncateMode>(['off', 'falloc', 'full'])('%s grows to the exact length and keeps what is there', (mode) => {
    const device = withBytes(new MemoryDevice());
    run(device, 20 * MIB + 5, mode);
    expect(device.size).toBe(20 * MIB + 5);
    const bytes = new Uint8Array(1001);
    device.read(0, bytes);
    expect([bytes[0], bytes[999], bytes[1000]]).toEqual([7, 7, 0]);
  });

  test('off shrinks, falloc and full refuse to and touch nothing', () => {
    const device = withBytes(new MemoryDevice());
    for (const mode of ['falloc', 'full'] as const) {
      expect(() => run(device, 10, mode)).toThrow(expect.objectContaining({ kind: 'invalid-option' }));
      expect(device.size).toBe(1000);
    }
    run(device, 10, 'off');
    expect(device.size).toBe(10);
  });

  test.each<TruncateMode>(['falloc', 'full'])('%s restores the old length when space runs out', (mode) => {
    const device = withBytes(new FaultyDevice({ room: 12 * MIB }));
    expect(() => run(device, 20 * MIB, mode)).toThrow(expect.objectContaining({ kind: 'no-space' }));
    expect(device.size).toBe(1000);
  });

  test('when the old length cannot be restored either, both are told and the first kind stays', () => {
    const device = withBytes(new FaultyDevice({ room: 12 * MIB, resizeTo: 1000 }));
    expect(() => run(device, 20 * MIB, 'falloc')).toThrow(
      expect.objectContaining({ kind: 'no-space', message: expect.stringContaining('could not be restored') }),
    );
  });

  test('a cancel between two steps restores the old length', () => {
    const device = withBytes(new MemoryDevice());
    const operation = truncateDevice(device, 100 * MIB, 'full');
    operation.next();
    operation.next();
    expect(device.size).toBe(100 * MIB);
    operation.return();
    expect(device.size).toBe(1000);
  });

  test('tells its progress at least every 8 MiB', () => {
    const steps = [...truncateDevice(new MemoryDevice(), 20 * MIB, 'falloc')];
    expect(steps.map((step) => (step.kind === 'progress' ? step.done : -1))).toEqual([0, 8 * MIB, 16 * MIB, 20 * MIB]);
  });
});
