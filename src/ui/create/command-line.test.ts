import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formats } from '../../engine/formats/index.ts';
import { inOrder, type OptionDeclaration, type OptionTexts } from '../../engine/options/declare.ts';
import { type CommandLine, canonical, parseCommand, printCommand } from './command-line.ts';

function read(source: string): CommandLine {
  const parsed = parseCommand(source);
  if (!parsed.ok) throw new Error(parsed.message);
  return parsed.line;
}

const line = (part: Partial<CommandLine>): CommandLine => ({
  format: 'qcow2',
  name: 'disk.qcow2',
  texts: {},
  flags: [],
  ...part,
});

describe('printing', () => {
  test('defaults are left out, the size comes last', () => {
    const texts = { size: '32G', compat: 'v3', cluster_size: '64k', lazy_refcounts: 'off', refcount_bits: '0x10' };
    expect(printCommand(canonical(line({ texts })))).toBe('qemu-img create -f qcow2 disk.qcow2 32G');
  });

  test('options, backing file, and names that need quotes', () => {
    const texts = { size: '1G', backing_file: "my base's.img", backing_fmt: 'raw', data_file: 'a,b', compat: '0.10' };
    expect(printCommand(line({ name: 'my disk.qcow2', texts }))).toBe(
      "qemu-img create -f qcow2 -b 'my base'\\''s.img' -F raw -o data_file=a,,b,compat=0.10 'my disk.qcow2' 1G",
    );
  });

  test('a name that looks like a flag or a protocol becomes a path', () => {
    expect(printCommand(line({ name: '-x' }))).toContain(' ./-x');
    expect(printCommand(line({ name: 'nbd:x' }))).toContain(' ./nbd:x');
    expect(printCommand(line({ name: 'a/b:x' }))).toContain(' a/b:x');
  });
});

describe('reading', () => {
  test.each([
    ['qemu-img create disk.img 1G', { format: 'raw', name: 'disk.img', texts: { size: '1G' } }],
    ['$ sudo /usr/bin/qemu-img create -fqcow2 x 1G', { name: 'x', texts: { size: '1G' } }],
    ['diskwright create -f qcow2 x 1G', { name: 'x', texts: { size: '1G' } }],
    ['$ node dist/cli/diskwright.js create -f qcow2 x 1G', { name: 'x', texts: { size: '1G' } }],
    [
      'qemu-img create -qf qcow2 -u -b base -F raw x',
      { name: 'x', texts: { backing_file: 'base', backing_fmt: 'raw' }, flags: [['-q'], ['-u']] },
    ],
    [
      'qemu-img create -f qcow2 -o lazy_refcounts,compat=v2 -o nocow=on,compat=v3 x 1G',
      { name: 'x', texts: { lazy_refcounts: 'on', nocow: 'on', size: '1G' } },
    ],
    [
      'qemu-img create -f qcow2 \\\n  -o cluster_size=1M \\\n  x 1G',
      { name: 'x', texts: { cluster_size: '1M', size: '1G' } },
    ],
    ['qemu-img create -f qcow2 -- -x 1G', { name: '-x', texts: { size: '1G' } }],
  ])('%s', (source, expected) => {
    expect(read(source)).toEqual(line(expected));
  });

  test('what is not known is kept and named, never dropped', () => {
    const { texts, flags } = read('qemu-img create -f qcow2 -z --object secret,id=s -o foo=bar -o ,x a 1G b');
    expect(texts).toEqual({ foo: 'bar', size: '1G' });
    expect(flags).toEqual([['-z'], ['--object', 'secret,id=s'], ['-o', ',x'], ['b']]);
  });

  test('a size given twice keeps both', () => {
    const { texts, flags } = read('qemu-img create -f qcow2 -o size=2G x 1G');
    expect(texts).toEqual({ size: '1G' });
    expect(flags).toEqual([['-o', 'size=2G']]);
  });

  test.each([
    ['', /begin with/],
    ['qemu-img convert a b', /begin with/],
    ['ls -l', /begin with/],
    ['qemu-img create -f', /-f needs a value/],
    ["qemu-img create 'x", /never closed/],
  ])('%j is no such command', (source, message) => {
    const parsed = parseCommand(source);
    expect(parsed.ok ? '' : parsed.message).toMatch(message);
  });
});

const odd = fc.string({ unit: 'grapheme', maxLength: 12 });

function textFor(option: OptionDeclaration): fc.Arbitrary<string> {
  if (option.kind === 'choice') return fc.oneof(fc.constantFrom(...option.choices.map((one) => one.value)), odd);
  if (option.kind === 'flag') return fc.constantFrom('on', 'off', 'yes', 'nonsense');
  if (option.kind === 'text') return odd;
  return fc.oneof(fc.constantFrom('1M', '64k', '512', '0', '16', '-1', '1.5G', ''), odd);
}

const anyLine: fc.Arbitrary<CommandLine> = fc.constantFrom(...formats.filter((one) => one.options)).chain((format) => {
  const options = format.options ? inOrder(format.options) : [];
  const model = Object.fromEntries(options.map((option) => [option.qemu, textFor(option)]));
  const unknownFlag = fc.constantFrom(['-q'], ['-u'], ['-z'], ['--object', 'secret,id=x'], ['-o', ',']);
  return fc.record({
    format: fc.constant(format.name),
    name: fc.oneof(odd, fc.constantFrom('-x', 'nbd:x', './y', '/a/b.img')),
    texts: fc
      .tuple(fc.record(model, { requiredKeys: [] }), fc.dictionary(fc.constantFrom('foo', 'bar.baz'), odd))
      .map(([known, unknown]): OptionTexts => ({ ...(known as OptionTexts), ...unknown })),
    flags: fc.uniqueArray(unknownFlag, { selector: (flag) => flag.join(' '), maxLength: 3 }),
  });
});

test('any form survives its command line', () => {
  fc.assert(
    fc.property(anyLine.map(canonical), (form) => {
      const back = read(printCommand(form));
      expect(back).toEqual(form);
      expect(printCommand(back)).toBe(printCommand({ ...form, texts: back.texts }));
    }),
    { numRuns: 500 },
  );
});

test.each([
  `--object secret,data=hush,id=s`,
  `--object '{"qom-type":"secret","id":"s","data":"hush"}'`,
  `--object data=hush,id=s`,
  `--object secret,id=s, data=hush`,
  `--obj secret,id=s,data=hush`,
  `--object=secret,id=s,data=hush`,
])('no passphrase comes along: %s', (flag) => {
  const pasted = read(`qemu-img create -f qcow2 ${flag} -o encrypt.format=luks,encrypt.key-secret=s disk.qcow2 1G`);
  expect(JSON.stringify(pasted)).not.toContain('hush');
  expect(pasted.name).toBe('disk.qcow2');
});
