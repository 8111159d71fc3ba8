/**
 * Recognition without the judge: hand-made images, and that hostile content only ever ends in a size or a
 * DiskwrightError, after little reading.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { images, type SmallImage } from '../../testing/images.ts';
import { runs } from '../../testing/seed.ts';
import type { ReadableDevice } from '../device/device.ts';
import { MemoryDevice, memoryDeviceOf } from '../device/memory.ts';
import { DiskwrightError } from '../errors.ts';
import type { FormatDriver } from '../image/format.ts';
import { findFormat, formats } from './index.ts';

const loaded = await Promise.all(formats.map(async (spec) => ({ name: spec.name, driver: await spec.load() })));

function driverOf(name: string): FormatDriver {
  const found = loaded.find((format) => format.name === name);
  if (!found) throw new Error(`no driver for ${name}`);
  return found.driver;
}

const probed = (device: ReadableDevice, fileName?: string): string | undefined =>
  loaded.find(({ driver }) => driver.probe(device, fileName) !== undefined)?.name;

/** Counts what is read, so that a runaway loop shows as a number and not as a slow test. */
class CountingDevice extends MemoryDevice {
  bytesRead = 0;
  override read(at: number, into: Uint8Array): void {
    this.bytesRead += into.length;
    super.read(at, into);
  }
}

function countingDeviceOf(bytes: Uint8Array): CountingDevice {
  const device = new CountingDevice();
  if (bytes.length > 0) device.write(0, bytes);
  return device;
}

/** The size or the kind of the refusal; anything else is a defect and is thrown on. */
function verdict(driver: FormatDriver, device: ReadableDevice): number | string {
  try {
    const size = driver.virtualSize(device);
    expect(Number.isSafeInteger(size) && size >= 0).toBe(true);
    driver.backing?.(device);
    return size;
  } catch (error) {
    if (!(error instanceof DiskwrightError)) throw error;
    expect(['corrupt', 'unsupported', 'not-this-format']).toContain(error.kind);
    return error.kind;
  }
}

/** A small image needs no more than its own length, and the 64 KiB tables of VHDX and VMDK. */
const allowance = (device: CountingDevice): number => 4 * device.size + 2 ** 21;

it('probes qcow2 first, raw last, and knows every name once', () => {
  expect(formats[0]?.name).toBe('qcow2');
  expect(formats.at(-1)?.name).toBe('raw');
  expect(new Set(formats.map((format) => format.name)).size).toBe(formats.length);
  expect(findFormat('vpc')?.label).toBe('VHD');
});

it.each(Object.entries(images))('reads the size of "%s"', (_, image) => {
  expect(driverOf(image.format).virtualSize(memoryDeviceOf(image.bytes()))).toBe(image.size);
});

it.each(Object.entries(images))('recognises "%s"', (name, image) => {
  const expected = name.startsWith('vhd, fixed') ? 'raw' : image.format;
  expect(probed(memoryDeviceOf(image.bytes()), image.fileName)).toBe(expected);
});

it('takes a DMG without its name for raw, as a guest could have written its trailer', () => {
  const device = memoryDeviceOf(images.dmg?.bytes() ?? new Uint8Array());
  expect(probed(device)).toBe('raw');
  expect(probed(device, 'disk.img')).toBe('raw');
  expect(probed(device, '/some/where/disk.dmg')).toBe('dmg');
  expect(probed(new MemoryDevice(), 'empty.dmg')).toBe('raw');
});

it('says of every other image that it is not in this format', () => {
  for (const image of Object.values(images)) {
    for (const { name, driver } of loaded) {
      if (name === 'raw' || name === 'cloop' || name === image.format) continue;
      const other = verdict(driver, memoryDeviceOf(image.bytes()));
      expect(['not-this-format', 'corrupt', 'unsupported'], `${image.format} as ${name}`).toContain(other);
    }
  }
});

const byte = fc.oneof(fc.constantFrom(0, 1, 0x7f, 0x80, 0xff), fc.nat(255));

function damaged(image: SmallImage, changes: readonly { at: number; value: number }[], cut: number): Uint8Array {
  const bytes = image.bytes();
  const telling = image.telling.flatMap(([from, to]) => Array.from({ length: to - from }, (_, i) => from + i));
  for (const { at, value } of changes) bytes[telling[at % telling.length] ?? 0] = value;
  image.seal?.(bytes);
  return cut === 0 ? bytes : bytes.subarray(0, Math.floor(bytes.length * cut));
}

it.each(Object.entries(images).filter(([, image]) => image.telling.length > 0))(
  'survives any damage to "%s"',
  (_, image) => {
    const change = fc.record({ at: fc.nat(100_000), value: byte });
    const cut = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.double({ min: 0.01, max: 0.99, noNaN: true }));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), cut, (changes, share) => {
        const device = countingDeviceOf(damaged(image, changes, share));
        verdict(driverOf(image.format), device);
        probed(device, image.fileName);
        expect(device.bytesRead).toBeLessThan(allowance(device));
      }),
      { numRuns: runs(60) },
    );
  },
);

it('survives noise under any name of a format', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 1100 }), (bytes) => {
      for (const { driver } of loaded) {
        const device = countingDeviceOf(bytes);
        driver.probe(device, 'noise.dmg');
        verdict(driver, device);
        expect(device.bytesRead).toBeLessThan(allowance(device));
      }
    }),
    { numRuns: runs(150) },
  );
});

it('reads a huge table only as far as the file goes', () => {
  const bytes = images.cloop?.bytes() ?? new Uint8Array();
  new DataView(bytes.buffer).setUint32(132, 2 ** 26 - 2);
  const device = countingDeviceOf(bytes);
  expect(verdict(driverOf('cloop'), device)).toBe('corrupt');
  expect(device.bytesRead).toBeLessThan(2 ** 22);
});

it('reads a long description in time that grows with its length', () => {
  const head = 'version=1\nCID=1\nparentCID=1\ncreateType="vmfs"\n';
  for (const filling of ['RW ', 'RW 1', '9', ' ', 'RW 1 FLAT "', '\n', 'RW 1 FLAT "a" 0\n']) {
    const text = head + filling.repeat(Math.floor(2 ** 20 / filling.length));
    const started = performance.now();
    verdict(driverOf('vmdk'), memoryDeviceOf(Uint8Array.from(text, (c) => c.charCodeAt(0))));
    // Quadratic time would be hours; the rest is room for a busy machine.
    expect(performance.now() - started, filling).toBeLessThan(20_000);
  }
});

it('leaves out extents that QEMU leaves out, and refuses malformed ones', () => {
  const size = (...lines: string[]): number | string => {
    const text = ['version=1', 'CID=1', 'parentCID=f', 'createType="vmfs"', ...lines, ''].join('\n');
    return verdict(driverOf('vmdk'), memoryDeviceOf(Uint8Array.from(text, (c) => c.charCodeAt(0))));
  };
  expect(size('RW 3 FLAT "a" 0', 'RW 4 SPARSE "b"', 'RW 5 VMFS "c"', 'RW 6 VMFSSPARSE "d"', 'RW 7 SESPARSE "e"')).toBe(
    25 * 512,
  );
  expect(size('RW 8 ZERO', 'RDONLY 8 FLAT "a" 0', 'NOACCESS 8 FLAT "a" 0', 'RW 0 FLAT "a" 0')).toBe(0);
  expect(size('RW 8 FLAT "a"')).toBe('corrupt');
  expect(size('RW 8 VMFS "a" 0')).toBe('corrupt');
  expect(size('RW 8 FLAT "a" -1')).toBe('corrupt');
  expect(size(`RW ${'9'.repeat(30)} FLAT "a" 0`)).toBe('corrupt');
  expect(size('RW 9007199254740993 FLAT "a" 0')).toBe('unsupported');
});
