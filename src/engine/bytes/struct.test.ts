import fc from 'fast-check';
import { expect, expectTypeOf, it } from 'vitest';
import { DiskwrightError } from '../errors.ts';
import { ascii, bigU64, bytes, reserved, struct, u8, u16, u32, u64, type Values } from './struct.ts';

const big = struct('sample', 'big', {
  magic: ascii(4),
  flags: u8,
  width: u16,
  gap: reserved(1),
  count: u32,
  length: u64,
  features: bigU64,
  id: bytes(3),
});
const little = struct('sample', 'little', { width: u16, count: u32, length: u64, features: bigU64 });

const values: Values<typeof big> = {
  magic: 'QFI',
  flags: 0x80,
  width: 0x1234,
  count: 0xfedcba98,
  length: 0x1_0203_0405_0607,
  features: 0xf000_0000_0000_0001n,
  id: Uint8Array.of(7, 8, 9),
};

it('lays fields out in the order of the declaration, without padding', () => {
  expect(big.size).toBe(31);
  expect(big.offsets).toEqual({ magic: 0, flags: 4, width: 5, gap: 7, count: 8, length: 12, features: 20, id: 28 });
});

it('writes big-endian bytes, reserved ones as zeros', () => {
  const into = new Uint8Array(33).fill(0xff);
  big.write(values, into, 1);
  expect(Buffer.from(into).toString('hex')).toBe(
    ['ff', '51464900', '80', '1234', '00', 'fedcba98', '0001020304050607', 'f000000000000001', '070809', 'ff'].join(''),
  );
});

it('writes little-endian bytes', () => {
  const into = new Uint8Array(little.size);
  little.write({ width: 0x1234, count: 0xfedcba98, length: 0x1_0203_0405_0607, features: 1n }, into);
  expect(Buffer.from(into).toString('hex')).toBe(`3412${'98badcfe'}${'0706050403020100'}0100000000000000`);
});

it('reads back what it wrote, in both byte orders', () => {
  const fields = { width: u16, count: u32, length: u64, features: bigU64, id: bytes(5), flags: u8 };
  const both = [struct('s', 'big', fields), struct('s', 'little', fields)];
  const record = fc.record({
    width: fc.nat(0xffff),
    count: fc.nat(0xffffffff),
    length: fc.maxSafeNat(),
    features: fc.bigInt(0n, 2n ** 64n - 1n),
    id: fc.uint8Array({ minLength: 5, maxLength: 5 }),
    flags: fc.nat(255),
  });
  fc.assert(
    fc.property(record, fc.nat(9), (value, at) => {
      for (const one of both) {
        const into = new Uint8Array(at + one.size);
        one.write(value, into, at);
        expect(one.read(into, at)).toEqual(value);
      }
    }),
  );
});

it('leaves reserved fields out of what it reads', () => {
  const into = new Uint8Array(big.size);
  big.write(values, into);
  expect(big.read(into)).toEqual(values);
  expectTypeOf(big.read(into)).not.toHaveProperty('gap');
  expectTypeOf(big.read(into).features).toEqualTypeOf<bigint>();
});

it('ends text at the first NUL', () => {
  const one = struct('s', 'big', { text: ascii(6) });
  expect(one.read(Uint8Array.of(65, 66, 0, 67, 0, 0)).text).toBe('AB');
  expect(one.read(Uint8Array.of(65, 66, 67, 68, 69, 0xff)).text).toBe('ABCDE\xff');
});

it('refuses a 64-bit number that a double cannot hold, naming struct, place and value', () => {
  const one = struct('VHD footer', 'big', { cookie: ascii(8), size: u64 });
  const from = new Uint8Array(16);
  from[8] = 0x20;
  let caught: unknown;
  try {
    one.read(from);
  } catch (error) {
    caught = error;
  }
  expect(caught).toBeInstanceOf(DiskwrightError);
  expect(caught).toMatchObject({
    kind: 'unsupported',
    message: expect.stringContaining('VHD footer, byte 8: size is 0x2000000000000000'),
  });
  expect(one.get('cookie', from)).toBe('');
});

it('asserts that values and buffers fit', () => {
  const one = struct('s', 'big', { a: u8, b: ascii(2) });
  const into = new Uint8Array(3);
  expect(() => one.write({ a: 256, b: '' }, into)).toThrow('256 does not fit 8 bits');
  expect(() => one.write({ a: 1.5, b: '' }, into)).toThrow('does not fit');
  expect(() => one.write({ a: 1, b: 'abc' }, into)).toThrow('does not fit 2 bytes');
  expect(() => one.write({ a: 1, b: '\u20ac' }, into)).toThrow('one byte per character');
  expect(() => one.read(into, 1)).toThrow('do not reach 4');
});
