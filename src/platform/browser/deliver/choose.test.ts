import { expect, test } from 'vitest';
import { BLOB_LIMIT, type Capabilities, chooseSink, possibleSinks } from './choose.ts';

const everything: Capabilities = { secure: true, picker: true, serviceWorker: true, opfs: true, windows: false };
const small = { length: BLOB_LIMIT, written: 1000, gzip: false };
const large = { length: BLOB_LIMIT + 1, written: 1000, gzip: false };

test('the chain, with one ability after the other taken away', () => {
  expect(possibleSinks(small, everything)).toEqual(['blob', 'picked', 'stream', 'opfs']);
  expect(chooseSink(large, everything).sink).toBe('picked');
  expect(chooseSink(large, { ...everything, picker: false }).sink).toBe('stream');
  expect(chooseSink(large, { ...everything, picker: false, serviceWorker: false }).sink).toBe('opfs');
  const none = { ...everything, picker: false, serviceWorker: false, opfs: false };
  expect(chooseSink(large, none)).toEqual({ sink: undefined, note: expect.stringContaining('64 MiB') });
  expect(chooseSink(small, none).sink).toBe('blob');
});

test('without a secure context only small files, and the note says why', () => {
  const insecure = { ...everything, secure: false };
  expect(chooseSink(small, insecure).sink).toBe('blob');
  expect(chooseSink(large, insecure)).toEqual({ sink: undefined, note: expect.stringContaining('https') });
});

test('Windows is told beforehand that holes take space', () => {
  expect(chooseSink(large, { ...everything, windows: true }).note).toContain('full length');
  expect(chooseSink({ ...large, written: large.length }, { ...everything, windows: true }).note).toContain('all ');
});
