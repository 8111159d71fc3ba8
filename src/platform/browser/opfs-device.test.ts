/** What no real browser does on demand: refuse to grow, with or without an exception. */
import { expect, test } from 'vitest';
import { OpfsDevice } from './opfs-device.ts';

function handle(more: Partial<FileSystemSyncAccessHandle>): FileSystemSyncAccessHandle {
  let size = 0;
  return {
    getSize: () => size,
    truncate: (to) => {
      size = to;
    },
    read: () => 0,
    write: (bytes) => bytes.byteLength,
    flush: () => {},
    close: () => {},
    ...more,
  };
}

test('a size that silently does not change is no space', () => {
  const device = new OpfsDevice(handle({ truncate: () => {} }));
  expect(() => device.resize(2 ** 40)).toThrow(
    expect.objectContaining({ kind: 'no-space', message: expect.stringContaining('1 TiB') }),
  );
  expect(device.size).toBe(0);
});

test('whatever name a failure to grow has, it is no space', () => {
  const fail = () => {
    throw new DOMException('', 'NS_ERROR_FILE_NO_DEVICE_SPACE');
  };
  const device = new OpfsDevice(handle({ truncate: fail, write: fail, flush: fail }));
  for (const grow of [() => device.resize(1), () => device.write(0, Uint8Array.of(1)), () => device.flush()]) {
    expect(grow).toThrow(expect.objectContaining({ kind: 'no-space' }));
  }
});

test('a short write is continued, one of nothing is no space', () => {
  const taken: number[] = [];
  const device = new OpfsDevice(
    handle({
      write: (_bytes, options) => {
        taken.push(options?.at ?? -1);
        return taken.length < 4 ? 10 : 0;
      },
    }),
  );
  device.write(100, new Uint8Array(30));
  expect(taken).toEqual([100, 110, 120]);
  expect(() => device.write(0, new Uint8Array(30))).toThrow(expect.objectContaining({ kind: 'no-space' }));
});
