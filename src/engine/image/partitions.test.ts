/** Partition tables by hand: MBR with logical partitions, GPT in both sector sizes, and what a hostile table says. */
import { describe, expect, it } from 'vitest';
import { memoryDeviceOf } from '../device/memory.ts';
import { partitionFields } from './named-partitions.ts';
import { readDiskLayout } from './partitions.ts';

const MIB = 1024 * 1024;

function diskOf(size: number, write: (bytes: Uint8Array, view: DataView) => void) {
  const bytes = new Uint8Array(size);
  write(bytes, new DataView(bytes.buffer));
  return memoryDeviceOf(bytes);
}

function mbrEntry(view: DataView, at: number, slot: number, type: number, first: number, count: number): void {
  const from = at + 446 + slot * 16;
  view.setUint8(from + 4, type);
  view.setUint32(from + 8, first, true);
  view.setUint32(from + 12, count, true);
  view.setUint16(at + 510, 0x55aa);
}

const put = (bytes: Uint8Array, at: number, text: string): void => {
  for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i);
};

function guidBytes(guid: string): number[] {
  const [a = '', b = '', c = '', d = '', e = ''] = guid.split('-');
  const pairs = (text: string): number[] => (text.match(/../g) ?? []).map((two) => Number.parseInt(two, 16));
  return [...pairs(a).reverse(), ...pairs(b).reverse(), ...pairs(c).reverse(), ...pairs(d), ...pairs(e)];
}

function gpt(bytes: Uint8Array, view: DataView, sector: number, last: number): void {
  mbrEntry(view, 0, 0, 0xee, 1, 100);
  put(bytes, sector, 'EFI PART');
  view.setBigUint64(sector + 32, BigInt(last), true);
  view.setBigUint64(sector + 72, 2n, true);
  view.setUint32(sector + 80, 128, true);
  view.setUint32(sector + 84, 128, true);
  const entry = 2 * sector;
  bytes.set(guidBytes('0FC63DAF-8483-4772-8E79-3D69D8477DE4'), entry);
  view.setBigUint64(entry + 32, BigInt(MIB / sector), true);
  view.setBigUint64(entry + 40, BigInt((2 * MIB) / sector - 1), true);
  put(bytes, entry + 56, 'r\0o\0o\0t\0');
}

describe('MBR', () => {
  it('tells primary and logical partitions as Linux counts them', () => {
    const layout = readDiskLayout(
      diskOf(8 * MIB, (bytes, view) => {
        mbrEntry(view, 0, 0, 0x83, 2048, 2048);
        mbrEntry(view, 0, 1, 5, 4096, 8192);
        view.setUint8(446, 0x80);
        mbrEntry(view, 4096 * 512, 0, 0x83, 63, 1000);
        mbrEntry(view, 4096 * 512, 1, 5, 4096, 4096);
        mbrEntry(view, 8192 * 512, 0, 0x82, 63, 1000);
        put(bytes, MIB, 'XFSB');
        put(bytes, MIB + 108, 'data');
      }),
    );
    expect(layout).toMatchObject({ table: 'MBR', reason: '55 aa at 510', notes: [] });
    expect(layout.partitions.map(({ number, at, type }) => [number, at / 512, type])).toEqual([
      [1, 2048, 'Linux'],
      [2, 4096, 'Extended'],
      [5, 4096 + 63, 'Linux'],
      [6, 8192 + 63, 'Linux swap'],
    ]);
    expect(layout.partitions[0]).toMatchObject({
      active: true,
      content: { name: 'XFS', label: 'data', reason: '"XFSB" at 0' },
    });
  });

  it('ends a chain of logical partitions that goes in a circle', () => {
    const { partitions, notes } = readDiskLayout(
      diskOf(4 * MIB, (_bytes, view) => {
        mbrEntry(view, 0, 0, 5, 2048, 4096);
        mbrEntry(view, 2048 * 512, 0, 0x83, 63, 100);
        mbrEntry(view, 2048 * 512, 1, 5, 0, 100);
      }),
    );
    expect(partitions).toHaveLength(2);
    expect(notes[0]).toMatch(/no end/);
  });

  it('says what reaches beyond the disk, and takes no boot sector for a table', () => {
    const beyond = readDiskLayout(diskOf(MIB, (_bytes, view) => mbrEntry(view, 0, 0, 0x83, 1024, 9999)));
    expect(beyond.partitions[0]?.outside).toBe(true);
    const fat = readDiskLayout(
      diskOf(MIB, (bytes, view) => {
        mbrEntry(view, 0, 0, 0x83, 1, 1);
        put(bytes, 82, 'FAT32   ');
      }),
    );
    expect(fat).toMatchObject({ partitions: [], content: { name: 'FAT32' } });
    expect(fat.table).toBe(undefined);
  });
});

it('names the bytes of both tables, in order and without overlap', () => {
  const disk = diskOf(4 * MIB, (bytes, view) => gpt(bytes, view, 512, 8191));
  const fields = partitionFields(disk, 0, 2048);
  expect(fields.find(({ at }) => at === 450)?.value).toBe('Protects a GPT');
  expect(fields.find(({ at }) => at === 512 + 72)).toMatchObject({
    value: '1 KiB',
    leads: { space: 'guest', at: 1024 },
  });
  expect(fields.find(({ at }) => at === 1024 + 32)).toMatchObject({
    value: '1 MiB',
    leads: { space: 'guest', at: MIB },
  });
  expect(fields.find(({ name }) => name === 'partition 1: name')?.value).toBe('root');
  for (const [i, field] of fields.slice(1).entries()) {
    expect(field.at).toBeGreaterThanOrEqual((fields[i]?.at ?? 0) + (fields[i]?.length ?? 0));
  }
  expect(partitionFields(disk, 510, 2).map(({ name }) => name)).toEqual(['signature']);
  expect(partitionFields(disk, 2 * MIB, 512)).toEqual([]);
});

describe('GPT', () => {
  it.each([512, 4096])('is read with sectors of %i bytes', (sector) => {
    const layout = readDiskLayout(diskOf(4 * MIB, (bytes, view) => gpt(bytes, view, sector, (4 * MIB) / sector - 1)));
    expect(layout).toMatchObject({ table: 'GPT', reason: `"EFI PART" at ${sector}`, notes: [] });
    expect(layout.partitions).toEqual([{ number: 1, at: MIB, length: MIB, type: 'Linux data', name: 'root' }]);
  });

  it('tells that the disk was grown or cut', () => {
    const notes = (last: number): string =>
      readDiskLayout(diskOf(4 * MIB, (bytes, view) => gpt(bytes, view, 512, last))).notes.join();
    expect(notes(5000)).toMatch(/was grown/);
    expect(notes(9999)).toMatch(/is missing/);
  });

  it('is not led beyond the disk', () => {
    const layout = readDiskLayout(
      diskOf(MIB, (bytes, view) => {
        gpt(bytes, view, 512, 2047);
        view.setBigUint64(512 + 72, 2n ** 60n, true);
      }),
    );
    expect(layout.partitions).toEqual([]);
    expect(layout.notes[0]).toMatch(/does not lead/);
  });
});

it('an empty disk and an ISO', () => {
  expect(readDiskLayout(memoryDeviceOf(new Uint8Array(0)))).toEqual({ partitions: [], notes: [] });
  const iso = readDiskLayout(
    diskOf(MIB, (bytes) => {
      put(bytes, 0x8001, 'CD001');
      put(bytes, 0x8028, 'DEBIAN 12'.padEnd(32));
    }),
  );
  expect(iso.content).toEqual({ name: 'ISO 9660', label: 'DEBIAN 12', reason: '"CD001" at 32769' });
});
