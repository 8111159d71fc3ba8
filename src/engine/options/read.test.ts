import { expect, it } from 'vitest';
import { qcow2Options } from '../formats/qcow2/options.ts';
import { parseOptionList, printOptionList } from './option-list.ts';
import { acceptedValues, blockedOptions, readOptions } from './read.ts';
import { summaryLine } from './summary.ts';

const problemsOf = (texts: Record<string, string>) =>
  readOptions(qcow2Options, { size: '1G', ...texts }).problems.map((one) => `${one.stage} ${one.option}`);

it('gives every option its declared default', () => {
  const { values, problems } = readOptions(qcow2Options, {});
  expect(problems).toEqual([]);
  expect(values.clusterSize).toBe(65536n);
  expect(values.compat).toBe('1.1');
  expect(values.refcountBits).toBe(16);
  expect(values.lazyRefcounts).toBe(false);
  expect(values.size).toBeUndefined();
});

it('reads other spellings of a choice as the choice', () => {
  expect(acceptedValues(qcow2Options, { compat: 'v2' }).compat).toBe('0.10');
});

it('tells texts that cannot be read from values that are not offered and rules that are broken', () => {
  expect(problemsOf({ cluster_size: '64Q' })).toEqual(['syntax cluster_size']);
  expect(problemsOf({ compat: '0.9' })).toEqual(['value compat']);
  expect(problemsOf({ cluster_size: '1000' })).toEqual(['rule cluster_size']);
  expect(problemsOf({ colour: 'red' })).toEqual(['syntax colour']);
});

it('finds every broken rule in the order qemu-img would meet them', () => {
  expect(problemsOf({ compat: '0.10', extended_l2: 'on', lazy_refcounts: 'on', refcount_bits: '8' })).toEqual([
    'rule extended_l2',
    'rule lazy_refcounts',
    'rule refcount_bits',
  ]);
});

it('every fix of a problem removes that problem', () => {
  const broken: Record<string, string>[] = [
    { compat: '0.10', extended_l2: 'on' },
    { cluster_size: '3M' },
    { cluster_size: '4K', extended_l2: 'on' },
    { backing_file: 'b', backing_fmt: 'raw', preallocation: 'full' },
    { backing_file: 'b' },
    { backing_fmt: 'raw' },
    { refcount_bits: '3' },
    { compat: '0.10', refcount_bits: '1' },
    { data_file_raw: 'on' },
    { compat: '0.10', data_file: 'd' },
    { compat: '0.10', compression_type: 'zstd' },
    { size: '3P' },
    { 'encrypt.format': 'luks' },
    { colour: 'red' },
    { lazy_refcounts: 'maybe' },
  ];
  for (const texts of broken) {
    const [first] = readOptions(qcow2Options, { size: '1G', ...texts }).problems;
    expect(first, JSON.stringify(texts)).toBeDefined();
    expect(first?.fixes.length, JSON.stringify(texts)).toBeGreaterThan(0);
    for (const fix of first?.fixes ?? []) {
      const fixed: Record<string, string> = { size: '1G', ...texts };
      for (const [name, text] of Object.entries(fix.set)) {
        if (text === null) delete fixed[name];
        else fixed[name] = text;
      }
      const left = readOptions(qcow2Options, fixed).problems.map((one) => one.message);
      expect(left, `${JSON.stringify(texts)} after "${fix.label}"`).not.toContain(first?.message);
    }
  }
});

it('offers the smallest cluster size that can hold a disk that is too large', () => {
  const [problem] = readOptions(qcow2Options, { size: '3P' }).problems;
  expect(problem?.fixes.map((fix) => fix.set)).toEqual([{ cluster_size: '128K' }, { size: '2P' }]);
});

it('says why an option cannot apply', () => {
  const blocked = blockedOptions(qcow2Options, acceptedValues(qcow2Options, { compat: '0.10' }));
  expect(blocked.lazy_refcounts).toMatch(/compat 0.10/);
  expect(blocked.data_file_raw).toMatch(/needs a data file/);
  expect(blocked.cluster_size).toBeUndefined();
});

it('reads and writes option lists with doubled commas', () => {
  expect(parseOptionList('backing_file=a,,b,lazy_refcounts,id=x,nocow')).toEqual({
    backing_file: 'a,b',
    lazy_refcounts: 'on',
    cow: 'off',
  });
  expect(parseOptionList('a=,,')).toEqual({ a: ',' });
  for (const broken of ['', ',', ',a=b', 'a=b,', 'a=b,,,']) expect(parseOptionList(broken)).toBeUndefined();
  expect(printOptionList({ backing_file: 'a,b', compat: '0.10' })).toBe('backing_file=a,,b,compat=0.10');
});

it('prints the summary line with defaults, numbers in decimal and flags as typed', () => {
  expect(summaryLine('x', 'qcow2', qcow2Options, { size: '1M', lazy_refcounts: 'yes', compat: 'v3' })).toBe(
    "Formatting 'x', fmt=qcow2 cluster_size=65536 extended_l2=off compression_type=zlib size=1048576 " +
      'compat=v3 lazy_refcounts=yes refcount_bits=16',
  );
});
