import { expect, test } from 'vitest';
import { savedName } from './saved-name.ts';

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
