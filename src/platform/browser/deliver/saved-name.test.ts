import { expect, test } from 'vitest';
import { freeName, savedName } from './saved-name.ts';

test.each([
  ['/some/where/x.qcow2', 'x.qcow2'],
  ['C:\\vm\\x.qcow2', 'x.qcow2'],
  ['x:y "1"?.qcow2', 'x_y _1__.qcow2'],
  ['.hidden.qcow2.', 'hidden.qcow2'],
  ['~tilde~', '_tilde~'],
  ['turned\u202ename', 'turned_name'],
  ["it's ü, 100%.img", "it's ü, 100%.img"],
  ['..', ''],
])('%j is saved as %j, the name that a browser gives it', (name, saved) => {
  expect(savedName(name)).toBe(saved);
});

test.each([
  ['disk.raw', [], 'disk.raw'],
  ['disk.raw', ['other.raw'], 'disk.raw'],
  ['disk.raw', ['Disk.RAW'], 'disk-copy.raw'],
  ['disk.raw', ['disk.raw', 'disk-copy.raw'], 'disk-copy-2.raw'],
  ['disk', ['disk'], 'disk-copy'],
])('%s beside %j becomes %s, which no file has that is read', (name, taken, free) => {
  expect(freeName(name, taken)).toBe(free);
});
