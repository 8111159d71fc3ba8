/**
 * Size and number spellings against the installed tool: `measure --size` reads the positional grammar,
 * `-o` values are read by `create`, whose summary line tells the number it understood.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { qemuImg } from '../../testing/oracle/qemu-tools.ts';
import { withTempDir } from '../../testing/oracle/temp-dir.ts';
import { runs } from '../../testing/seed.ts';
import { parseQemuNumber, parseQemuSize, printQemuSize } from './size-text.ts';

/** The number that qemu-img understands an -o value as, or undefined if it refuses the text. */
function understood(option: string, text: string): string | undefined {
  return withTempDir((dir) => {
    const list = `size=0,${option}=${text.replaceAll(',', ',,')}`;
    const { stdout } = qemuImg(['create', '-f', 'qcow2', '-o', list, 'x'], { cwd: dir });
    rmSync(join(dir, 'x'), { force: true });
    return new RegExp(` ${option}=(-?\\d+)`).exec(stdout)?.[1];
  });
}

// Read through cluster_size: of `size` itself 2^64 - 1 means "not given".
const sizeByTool = (text: string): string | undefined => understood('cluster_size', text);
const numberByTool = (text: string): string | undefined => understood('refcount_bits', text);

function sizeByUs(text: string): string | undefined {
  const reading = parseQemuSize(text);
  return reading.ok ? BigInt.asIntN(64, reading.bytes).toString() : undefined;
}

function numberByUs(text: string): string | undefined {
  const value = parseQemuNumber(text);
  return value === undefined ? undefined : BigInt.asIntN(64, value).toString();
}

const sizes = [
  ...['0', '1', '512', '513', '010', '0x10', '0X1f', '0x10k', '0x1b', '0x1e', '0x10m', '0x', '0x.1', '0x1.5k'],
  ...['1k', '1K', '1M', '1g', '1T', '1p', '1E', '7E', '8E', '15E', '15.99E', '15.9999999999999E', '16E', '17E'],
  ...[
    '1.5',
    '1.0',
    '1.',
    '1.M',
    '1.5M',
    '1.5b',
    '1.0b',
    '.5M',
    '0.5k',
    '0.1k',
    '0.0001k',
    '0.00048828125k',
    '0.000488281249k',
  ],
  ...['1.9999999999999999M', '0.99999999999999999999M', '1.3333333333333333333T', '3.14159265358979E', '0.1E', '0.7P'],
  ...[
    '1MB',
    '1KiB',
    '1Mi',
    '1 M',
    ' 1M',
    '\t1M',
    '\n1M',
    '1M ',
    '+1M',
    '++1',
    '-1',
    '-1M',
    '-0',
    '',
    ' ',
    '+',
    'M',
    'k1',
  ],
  ...['1e3', '1E3', '1e', '1e+3', 'inf', 'nan', 'infinity', '0b1', '1_000', '1,000', '1Z', '1Y', '1B', '5b', '1kk'],
  ...[
    '18446744073709551615',
    '18446744073709551616',
    '18446744073709551615b',
    '9223372036854775808',
    '1844674407370955161500',
  ],
  ...[
    '0xffffffffffffffff',
    '0x10000000000000000',
    '00000000000000000000000001',
    '0.5',
    '0.0',
    '00.5M',
    '1.00000000000000001b',
  ],
  ...['0x7fffffffffffffffk', '1٣', '１', '1\u00a0', '\u00a01'],
];

const numbers = [
  ...[
    '0',
    '1',
    '2',
    '16',
    '64',
    '020',
    '08',
    '0x10',
    '0X40',
    '0x',
    '-1',
    '-0',
    '+16',
    ' 16',
    '16 ',
    '1.0',
    '1k',
    '',
    ' ',
    '-',
  ],
  ...[
    '18446744073709551615',
    '18446744073709551616',
    '-18446744073709551615',
    '-18446744073709551616',
    '0b1',
    '1e1',
    '٣',
    '00',
    '007',
  ],
];

describe('spellings of a table', () => {
  test.each(sizes.map((text) => [JSON.stringify(text), text]))('size %s', (_shown, text) => {
    expect(sizeByUs(text)).toBe(sizeByTool(text));
  });

  test.each(numbers.map((text) => [JSON.stringify(text), text]))('whole number %s', (_shown, text) => {
    expect(numberByUs(text)).toBe(numberByTool(text));
  });
});

describe('random spellings', () => {
  const of = (alphabet: string): fc.Arbitrary<string> =>
    fc.string({ unit: fc.constantFrom(...alphabet), maxLength: 12 });
  const digits = fc.bigInt({ min: 0n, max: 2n ** 65n }).map(String);
  const fraction = fc.string({ unit: fc.constantFrom(...'0123456789'), maxLength: 22 });
  const shaped = fc
    .tuple(
      fc.constantFrom('', '+', ' '),
      fc.oneof(fc.nat(40).map(String), digits),
      fraction,
      fc.constantFrom(...'bkMGTPE', ''),
    )
    .map(([lead, whole, part, unit]) => `${lead}${whole}.${part}${unit}`);

  test('sizes', () => {
    fc.assert(
      fc.property(fc.oneof(of('0123456789.xX+- kKmMgGtTpPeEbB'), of('019.kMe'), shaped), (text) => {
        expect(sizeByUs(text), text).toBe(sizeByTool(text));
      }),
      { numRuns: runs(250) },
    );
  });

  test('whole numbers', () => {
    fc.assert(
      fc.property(fc.oneof(of('0123456789xX+- abf'), of('0178'), digits), (text) => {
        expect(numberByUs(text), text).toBe(numberByTool(text));
      }),
      { numRuns: runs(100) },
    );
  });

  test('what we print, the tool reads as the same number', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }), fc.nat(62), (value, shift) => {
        const bytes = (value >> BigInt(shift)) << BigInt(shift % 40);
        expect(sizeByTool(printQemuSize(BigInt.asUintN(63, bytes)))).toBe(BigInt.asUintN(63, bytes).toString());
      }),
      { numRuns: runs(60) },
    );
  });
});
