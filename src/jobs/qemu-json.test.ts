/** JSON as qemu-img prints it: order, escapes, empty lists. */
import { expect, test } from 'vitest';
import { qemuJson } from './qemu-json.ts';

test('names in the order of the hash table, four blanks a level', () => {
  expect(qemuJson({ format: 'raw', 'virtual-size': 1, filename: 'x', snapshots: [{ id: '1', name: 'a' }] })).toBe(`{
    "snapshots": [
        {
            "name": "a",
            "id": "1"
        }
    ],
    "virtual-size": 1,
    "filename": "x",
    "format": "raw"
}
`);
});

test('an empty list takes two lines', () => {
  expect(qemuJson({ flags: [] })).toBe('{\n    "flags": [\n    ]\n}\n');
});

test('nothing but ASCII leaves, and nothing that could move a cursor', () => {
  expect(qemuJson('a"b\\c\n\u001b\u007fé😀')).toBe('"a\\"b\\\\c\\n\\u001B\\u007F\\u00E9\\uD83D\\uDE00"\n');
});

test('numbers beyond 2^53 keep every digit', () => {
  expect(qemuJson([2n ** 64n - 1n])).toBe('[\n    18446744073709551615\n]\n');
});
