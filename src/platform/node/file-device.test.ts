import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeDeviceContract } from '../../testing/device-contract.vitest.ts';
import { NodeFileDevice, NodeReadDevice } from './file-device.ts';
import { hostError } from './host-error.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'diskwright-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

const made = (name: string): NodeFileDevice => new NodeFileDevice(openSync(join(dir, name), 'w+'), name);

describeDeviceContract('Node file', {
  make: () => made('contract'),
  reopen: () => new NodeFileDevice(openSync(join(dir, 'contract'), 'r+'), 'contract'),
});

describe('Node file device', () => {
  test('resizing makes a hole, zeroing takes space', () => {
    const device = made('sparse');
    device.resize(2 ** 30);
    expect(statSync(join(dir, 'sparse')).blocks * 512).toBeLessThan(65536);
    device.zero(0, 4 * 2 ** 20);
    expect(statSync(join(dir, 'sparse')).blocks * 512).toBeGreaterThanOrEqual(4 * 2 ** 20);
    expect([...device.runs(0, device.size)].map((run) => run.kind)).toEqual(['data', 'hole']);
    device.close();
  });

  test('what was there before counts as data', () => {
    writeFileSync(join(dir, 'old'), Buffer.alloc(1000));
    const device = new NodeReadDevice(openSync(join(dir, 'old'), 'r'), 'old');
    expect([...device.runs(500, 1000)]).toEqual([
      { kind: 'data', at: 500, length: 500 },
      { kind: 'hole', at: 1000, length: 500 },
    ]);
    device.close();
  });

  test('bytes land in the file', () => {
    const device = made('bytes');
    device.write(3, Uint8Array.of(1, 2));
    device.flush();
    device.close();
    expect([...readFileSync(join(dir, 'bytes'))]).toEqual([0, 0, 0, 1, 2]);
  });

  test('a full disk is told as such, with the path as typed', () => {
    // Every write to /dev/full fails with ENOSPC.
    const device = new NodeFileDevice(openSync('/dev/full', 'r+'), './disk.img');
    expect(() => device.write(0, Uint8Array.of(1))).toThrow(
      expect.objectContaining({ kind: 'no-space', message: './disk.img: cannot write: the disk is full' }),
    );
    device.close();
  });

  test('a length that the host cannot have is out of range', () => {
    const device = made('long');
    expect(() => device.resize(2 ** 60)).toThrow(expect.objectContaining({ kind: 'out-of-range' }));
    // Beyond what ext4, XFS or tmpfs allow, but exact as a number.
    let thrown: unknown;
    try {
      device.resize(2 ** 53 - 512);
    } catch (error) {
      thrown = error;
    }
    if (thrown !== undefined) expect(thrown).toMatchObject({ kind: 'out-of-range' });
    device.close();
  });

  test('a broken handle is an io error', () => {
    const fd = openSync(join(dir, 'gone'), 'w+');
    const device = new NodeFileDevice(fd, 'gone');
    closeSync(fd);
    expect(() => device.write(0, Uint8Array.of(1))).toThrow(expect.objectContaining({ kind: 'io' }));
  });

  test.each([
    ['ENOSPC', 'no-space'],
    ['EDQUOT', 'no-space'],
    ['EFBIG', 'out-of-range'],
    ['EACCES', 'io'],
    ['EXXX', 'io'],
  ])('%s is %s', (code, kind) => {
    const error = hostError('x', 'write', Object.assign(new Error('E'), { code }));
    expect(error).toMatchObject({ kind, message: expect.stringMatching(/^x: cannot write: /) });
  });
});
