/** Images made to keep a check busy: it ends soon, in words. */
import { expect, test } from 'vitest';
import { writeLayout } from '../../../../jobs/write-layout.ts';
import { MemoryDevice } from '../../../device/memory.ts';
import { qcow2Driver } from '../driver.ts';
import { checkAtOnce } from './check.ts';

const MIB = 1024 * 1024;

/** A blank image with `count` snapshots that all name one L1 table of `entries` entries. */
function withSnapshots(count: number, entries: number): MemoryDevice {
  const device = new MemoryDevice();
  const layout = qcow2Driver.create?.layout({ texts: { size: '1G' } }).image;
  if (!layout) throw new Error('qcow2 images cannot be made');
  writeLayout(layout, device);
  const table = Buffer.alloc(48 * count);
  for (let i = 0; i < count; i++) {
    table.writeBigUInt64BE(BigInt(32 * MIB), i * 48);
    table.writeUInt32BE(entries, i * 48 + 8);
    table.writeUInt16BE(1, i * 48 + 12);
    table.write('7', i * 48 + 40);
  }
  const header = Buffer.alloc(12);
  header.writeUInt32BE(count, 0);
  header.writeBigUInt64BE(BigInt(16 * MIB), 4);
  device.write(60, header);
  for (let at = 0; at < table.length; at += 4 * MIB) device.write(16 * MIB + at, table.subarray(at, at + 4 * MIB));
  device.resize(64 * MIB);
  return device;
}

test('65536 snapshots of one large table', () => {
  const device = withSnapshots(65536, 4 * MIB);
  const started = performance.now();
  expect(() => checkAtOnce(device)).toThrow('overlap many times');
  expect(performance.now() - started).toBeLessThan(20_000);
});

test('a few that overlap are counted', () => {
  expect(checkAtOnce(withSnapshots(3, 2)).corruptions).toBeGreaterThan(0);
});

test.each([65537, 2 ** 32 - 1])('%d snapshots are too many', (count) => {
  const device = withSnapshots(1, 2);
  const header = Buffer.alloc(4);
  header.writeUInt32BE(count);
  device.write(60, header);
  expect(() => checkAtOnce(device)).toThrow('at most 65536');
});
