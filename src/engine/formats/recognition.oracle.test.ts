/**
 * Recognition and virtual size against the installed qemu-img: whatever it creates, in every format and
 * subformat, we take for the same format and give the same size, by probing and by name.
 */
import { openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { NodeReadDevice } from '../../platform/node/file-device.ts';
import { images } from '../../testing/images.ts';
import { imageInfo, qemuImg, qemuImgOrThrow, qemuIo } from '../../testing/oracle/qemu-tools.ts';
import { withTempDir } from '../../testing/oracle/temp-dir.ts';
import { DiskwrightError } from '../errors.ts';
import { findFormat, formats } from './index.ts';

const drivers = new Map(await Promise.all(formats.map(async (spec) => [spec.name, await spec.load()] as const)));

function withDevice<Result>(file: string, body: (device: NodeReadDevice) => Result): Result {
  const device = new NodeReadDevice(openSync(file, 'r'), file);
  try {
    return body(device);
  } finally {
    device.close();
  }
}

const probed = (file: string): string | undefined =>
  withDevice(file, (device) => formats.find(({ name }) => drivers.get(name)?.probe(device, file) !== undefined)?.name);

/** The size, or `refused`; anything but a DiskwrightError is a defect. */
function sizeAs(format: string, file: string): number | 'refused' {
  try {
    return withDevice(file, (device) => drivers.get(format)?.virtualSize(device) ?? 'refused');
  } catch (error) {
    if (error instanceof DiskwrightError) return 'refused';
    throw error;
  }
}

function sizeInQemu(format: string, file: string): number | 'refused' {
  const { code, stdout } = qemuImg(['info', '-U', '--output=json', '-f', format, file]);
  if (code !== 0) return 'refused';
  const size = /"virtual-size": (\d+)/.exec(stdout)?.[1];
  if (size === undefined) throw new Error(`qemu-img info tells no size: ${stdout}`);
  return Number(size) > Number.MAX_SAFE_INTEGER ? 'refused' : Number(size);
}

function expectSameVerdict(file: string, format: string): void {
  const info = imageInfo(file);
  const found = probed(file);
  expect(found, file).toBe(info.format);
  expect(sizeAs(info.format, file), `${file} as ${info.format}`).toBe(info['virtual-size']);
  expect(sizeAs(format, file), `${file} as ${format}`).toBe(sizeInQemu(format, file));
}

const SMALL = ['1', '511', '513', '1M', '1000003', '1G', '5000000513'];
const LARGE = ['64G', '2T', '3T'];
const SECRET = ['--object', 'secret,id=key,data=abc'];

interface Kind {
  readonly format: string;
  readonly sizes: readonly string[];
  readonly options?: readonly string[];
  readonly objects?: readonly string[];
}

const kinds: readonly Kind[] = [
  { format: 'raw', sizes: ['0', ...SMALL, ...LARGE] },
  { format: 'qcow2', sizes: ['0', ...SMALL, ...LARGE] },
  { format: 'qcow2', sizes: SMALL, options: ['compat=0.10,cluster_size=512'] },
  { format: 'qcow', sizes: [...SMALL, '64G', '2T'] },
  { format: 'qed', sizes: ['512', '1M', '64G', '3T'] },
  { format: 'qed', sizes: ['1M', '1G'], options: ['table_size=2,cluster_size=4k'] },
  { format: 'vdi', sizes: ['0', ...SMALL, '64G', '2T'] },
  { format: 'vdi', sizes: ['1', '1000003', '1G'], options: ['static=on'] },
  { format: 'vpc', sizes: [...SMALL, '64G', '127G', '2000G', '2040G'] },
  { format: 'vpc', sizes: ['1M', '5000000512', '64G', '2040G'], options: ['force_size=on'] },
  { format: 'vpc', sizes: ['1', '1000003', '64G'], options: ['subformat=fixed'] },
  { format: 'vpc', sizes: ['1M', '5000000512'], options: ['subformat=fixed,force_size=on'] },
  { format: 'vhdx', sizes: [...SMALL, ...LARGE, '64T'] },
  { format: 'vhdx', sizes: ['1M', '3T'], options: ['block_size=1M', 'block_size=256M,log_size=4M'] },
  { format: 'vhdx', sizes: ['1M', '1G'], options: ['subformat=fixed'] },
  { format: 'vmdk', sizes: [...SMALL, ...LARGE] },
  { format: 'vmdk', sizes: ['1M', '1G'], options: ['compat6=on', 'zeroed_grain=on', 'adapter_type=lsilogic'] },
  {
    format: 'vmdk',
    sizes: ['1', '1000003', '5000000513', '64G'],
    options: ['monolithicFlat', 'twoGbMaxExtentSparse', 'twoGbMaxExtentFlat', 'streamOptimized'].map(
      (name) => `subformat=${name}`,
    ),
  },
  { format: 'parallels', sizes: [...SMALL, ...LARGE, '1T'] },
  { format: 'parallels', sizes: ['1M', '1G'], options: ['cluster_size=64k', 'cluster_size=4M'] },
  {
    format: 'luks',
    sizes: ['1000003'],
    options: ['key-secret=key,iter-time=10'],
    objects: SECRET,
  },
  {
    format: 'luks',
    sizes: ['3T'],
    objects: SECRET,
    options: ['cipher-mode=cbc,ivgen-alg=essiv,ivgen-hash-alg=sha256', 'cipher-alg=twofish-128,hash-alg=sha512'].map(
      (option) => `key-secret=key,iter-time=10,${option}`,
    ),
  },
];

for (const { format, sizes, options = [''], objects = [] } of kinds) {
  for (const list of options) {
    it(`sees ${format} images as qemu-img does${list && `, ${list}`}`, () => {
      withTempDir((dir) => {
        for (const size of sizes) {
          const file = join(dir, `disk-${size}`);
          const given = list === '' ? [] : ['-o', list];
          qemuImgOrThrow(['create', '-q', '-f', format, ...objects, ...given, file, size]);
          expectSameVerdict(file, format);
        }
      });
    });
  }
}

it('has a kind for every format that qemu-img creates and we know', () => {
  const notCreated = ['bochs', 'cloop', 'dmg'];
  const known = formats.map((format) => format.name).filter((name) => !notCreated.includes(name));
  expect([...new Set(kinds.map((kind) => kind.format))].sort()).toEqual(known.sort());
  for (const name of notCreated) expect(findFormat(name)).toBeDefined();
});

it.each(Object.entries(images))('sees the hand-made image "%s" as qemu-img does', (name, image) => {
  withTempDir((dir) => {
    const file = join(dir, image.fileName ?? 'disk');
    writeFileSync(file, image.bytes());
    expect(sizeInQemu(image.format, file), name).toBe(image.size);
    expectSameVerdict(file, image.format);
  });
});

it('lets a new overlay inherit the size that we read, for every format', () => {
  withTempDir((dir) => {
    const seen = new Set<string>();
    for (const image of Object.values(images)) {
      const base = join(dir, image.fileName ?? 'base');
      const overlay = join(dir, 'overlay');
      writeFileSync(base, image.bytes());
      const made = qemuImg(['create', '-q', '-f', 'qcow2', '-b', base, '-F', image.format, overlay]);
      expect(made.code, made.stderr).toBe(0);
      expect(sizeAs(image.format, base), image.format).toBe(imageInfo(overlay)['virtual-size']);
      seen.add(image.format);
    }
    expect(seen.size).toBe(11);
  });
});

it('names the image underneath as qemu-img does', () => {
  withTempDir((dir) => {
    for (const [format, baseFormat] of [
      ['qcow', 'raw'],
      ['qed', 'raw'],
      ['qed', 'vdi'],
      ['vmdk', 'vmdk'],
    ] as const) {
      const file = join(dir, `${format}-over-${baseFormat}`);
      const base = `über ${baseFormat}`;
      qemuImgOrThrow(['create', '-q', '-f', baseFormat, base, '1M'], { cwd: dir });
      qemuImgOrThrow(['create', '-q', '-f', format, '-b', base, '-F', baseFormat, file], { cwd: dir });
      const info = imageInfo(file);
      expect(info['backing-filename']).toBe(base);
      const ours = withDevice(file, (device) => drivers.get(format)?.backing?.(device));
      expect(ours?.name, file).toBe(info['backing-filename']);
      expect(ours?.format, file).toBe(info['backing-filename-format']);
      expectSameVerdict(file, format);
    }
  });
});

it('names no image underneath where there is none', () => {
  withTempDir((dir) => {
    for (const format of ['qcow', 'qed', 'vmdk']) {
      const file = join(dir, format);
      qemuImgOrThrow(['create', '-q', '-f', format, file, '1M']);
      expect(withDevice(file, (device) => drivers.get(format)?.backing?.(device))).toBeUndefined();
    }
  });
});

it('reads the size of images that were written to', () => {
  withTempDir((dir) => {
    for (const format of ['qcow', 'qed', 'vdi', 'vpc', 'vhdx', 'vmdk', 'parallels']) {
      const file = join(dir, format);
      qemuImgOrThrow(['create', '-q', '-f', format, file, '100M']);
      const wrote = qemuIo(['-f', format, '-c', 'write -P 7 3M 200k', '-c', 'write -P 8 90M 5M', file]);
      expect(wrote.code, wrote.stderr).toBe(0);
      expectSameVerdict(file, format);
      // Cut off in the middle of the data: refused where QEMU notices.
      writeFileSync(file, readFileSync(file).subarray(0, -3 * 2 ** 20));
      expect(sizeAs(format, file), `${format}, cut off`).toBe(sizeInQemu(format, file));
    }
  });
});
