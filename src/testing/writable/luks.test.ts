/** The contract of writable images, for whole-file LUKS: no byte of the disk stands in the file as it is. */
import { expect, test } from 'vitest';
import type { WritableDevice } from '../../engine/device/device.ts';
import { MemoryDevice, memoryDeviceOf } from '../../engine/device/memory.ts';
import { openWritableLuks } from '../../engine/formats/luks/writable-image.ts';
import { unlockDisk } from '../../jobs/unlock.ts';
import { answeredAtOnce } from '../answered-at-once.ts';
import { runs, seed } from '../seed.ts';
import { secret, smallLuksHeader } from '../small-luks.ts';
import { firstFault, type OpenSubject, shuffledGrid, type WritableSubject } from './contract.ts';

const SIZE = 2_300_416;
const header = smallLuksHeader('x', { 'cipher-alg': 'aes-128' });
const cipher = answeredAtOnce(
  unlockDisk(memoryDeviceOf(header), { kind: 'luks', at: 0, length: header.length }, secret('x')),
);

const subject: WritableSubject = {
  name: 'luks',
  clusterSize: 512,
  // What the guest gives up stays as it is.
  discardUnit: 0,
  edges: [0, 512, 4096, 1048576, 2097152, SIZE],
  lengths: [1, 511, 512, 513, 4095, 1048576, 1048577, SIZE],
  open() {
    const image = memoryDeviceOf(header);
    image.resize(header.length + SIZE);
    const model = new MemoryDevice();
    model.resize(SIZE);
    const opened = (): OpenSubject => {
      const writable = openWritableLuks({ image }, { cipher });
      return {
        image: writable,
        chain: [writable],
        model,
        problems: () => {
          const now = new Uint8Array(header.length);
          image.read(0, now);
          const same = Buffer.compare(now, header) === 0;
          return image.size === header.length + SIZE && same ? [] : ['the header or the length has changed'];
        },
        reopened() {
          writable.close();
          return opened();
        },
      };
    };
    const first = opened();
    // Noise so far.
    first.image.zero(0, SIZE);
    return first;
  },
};

test('every edge, every length, every kind of change', () => {
  expect(firstFault(subject, shuffledGrid(subject, SIZE, seed, runs(60)))).toBe(undefined);
});

test('a locked disk gives and takes nothing', () => {
  const image = memoryDeviceOf(header);
  image.resize(header.length + 4096);
  const locked = openWritableLuks({ image });
  expect(() => locked.decode?.(0, new Uint8Array(512))).toThrow('no passphrase was given');
  expect(() => locked.write(0, new Uint8Array(512))).toThrow('no passphrase was given');
  expect(() => locked.zero(0, 1)).toThrow('no passphrase was given');
});

test('changes of the header reach the medium one after the other', () => {
  const image = memoryDeviceOf(header);
  const events: string[] = [];
  const recorded: WritableDevice = {
    size: header.length,
    read: (at, into) => image.read(at, into),
    write: (at) => events.push(`write ${at}`),
    flush: () => events.push('flush'),
    runs: (at, length) => image.runs(at, length),
    zero: () => {},
    resize: () => {},
    close: () => {},
  };
  const locked = openWritableLuks({ image: recorded });
  locked.writeLuks?.([
    { at: 4096, bytes: new Uint8Array(512) },
    { at: 208, bytes: new Uint8Array(48) },
  ]);
  expect(events).toEqual(['write 4096', 'flush', 'write 208', 'flush']);
  expect(() => locked.writeLuks?.([{ at: header.length - 1, bytes: new Uint8Array(2) }])).toThrow('stays inside it');
});
