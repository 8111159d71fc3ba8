import fc from 'fast-check';
import { expect, it } from 'vitest';
import '../../testing/seed.ts';
import { parseQemuNumber, parseQemuSize, parseTypedSize, printQemuSize } from './size-text.ts';
import { formatBytes, groupDigits } from './units.ts';

const bytesOf = (text: string) => {
  const reading = parseQemuSize(text);
  return reading.ok ? reading.bytes : reading.reason;
};
const typed = (text: string) => {
  const reading = parseTypedSize(text);
  return reading.ok ? reading.bytes : reading.reason;
};

it('prints a spelling that both readers read back', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.integer({ min: 0, max: 63 }), (bytes, shift) => {
      const size = (bytes >> BigInt(shift)) << BigInt(shift);
      expect(bytesOf(printQemuSize(size))).toBe(size);
      expect(typed(printQemuSize(size))).toBe(size);
    }),
  );
});

it('reads sizes as people type them', () => {
  expect(typed('32 GiB')).toBe(32n << 30n);
  expect(typed('32G')).toBe(32n << 30n);
  expect(typed('32 GB')).toBe(32_000_000_000n);
  expect(typed(' 1.5 tib ')).toBe(3n << 39n);
  expect(typed('34,359,738,368')).toBe(32n << 30n);
  expect(typed('34 359 738 368 bytes')).toBe(32n << 30n);
  for (const wrong of ['', 'GiB', '32 XB', '1,2 GiB', '-1', '1.5', '3 2']) expect(typed(wrong)).toBe('syntax');
  expect(typed('99 EiB')).toBe('range');
});

it('keeps the two grammars apart: MB is an error on a command line', () => {
  expect(bytesOf('32MB')).toBe('syntax');
  expect(bytesOf('32MiB')).toBe('syntax');
});

it('reads whole numbers as decimal, hexadecimal or octal, a minus sign wrapping around', () => {
  expect(['16', '0x10', '020', ' 16', '+16'].map(parseQemuNumber)).toEqual([16n, 16n, 16n, 16n, 16n]);
  expect(parseQemuNumber('-1')).toBe(2n ** 64n - 1n);
  expect(['', '16k', '1.0', '08', '18446744073709551616'].map(parseQemuNumber)).toEqual(Array(5).fill(undefined));
});

it('shows sizes in binary units with 3 to 4 digits', () => {
  expect(formatBytes(196768)).toBe('192.2 KiB');
  expect(formatBytes(34359738368)).toBe('32 GiB');
  expect(formatBytes(0)).toBe('0 bytes');
  expect(formatBytes(1)).toBe('1 byte');
  expect(formatBytes(1024 * 1024 - 1)).toBe('1 MiB');
  expect(groupDigits(34359738368)).toBe('34,359,738,368');
});
