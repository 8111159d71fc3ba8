/**
 * Writing at every edge of every kind of image: the contract of writable images for qcow2. The finished files are
 * given to qemu-img: they check clean, and read as the plain array of bytes does.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { qemuImg } from '../../../testing/oracle/qemu-tools.ts';
import { withTempDir } from '../../../testing/oracle/temp-dir.ts';
import { runs, seed } from '../../../testing/seed.ts';
import { firstFault, shuffledGrid } from '../../../testing/writable/contract.ts';
import { type Qcow2Shape, qcow2Subject, shapeName } from '../../../testing/writable/qcow2-subject.ts';
import type { MemoryDevice } from '../../device/memory.ts';

const KIB = 1024;

const sizes = [512, 4 * KIB, 64 * KIB, 2048 * KIB];
const shapes: readonly Qcow2Shape[] = [
  ...sizes.flatMap((size) => ['1.1', '0.10'].map((compat) => ({ texts: { cluster_size: `${size}`, compat } }))),
  ...[16, 64, 2048].map((size) => ({ texts: { cluster_size: `${size * KIB}`, extended_l2: 'on' } })),
  ...[1, 2, 4, 8, 32, 64].flatMap((bits) =>
    [512, 4 * KIB].map((size) => ({ texts: { cluster_size: `${size}`, refcount_bits: `${bits}` } })),
  ),
  ...(['short raw', 'long raw', 'short qcow2', 'long qcow2'] as const).flatMap((backing) => [
    { texts: { cluster_size: '512' }, backing },
    { texts: { cluster_size: '4096', compat: '0.10' }, backing },
    { texts: { cluster_size: '16384', extended_l2: 'on' }, backing },
    { texts: { cluster_size: '65536' }, backing },
  ]),
  ...[512, 64 * KIB].map((size) => ({ texts: { cluster_size: `${size}`, data_file: 'data' } })),
  { texts: { cluster_size: '65536', data_file: 'data', extended_l2: 'on' } },
  { texts: { cluster_size: '65536', data_file: 'data', data_file_raw: 'on' } },
  ...[512, 64 * KIB].map((size) => ({ texts: { cluster_size: `${size}`, lazy_refcounts: 'on' } })),
  { texts: { cluster_size: '512' }, fullBlock: true },
  { texts: { cluster_size: '4096', refcount_bits: '64' }, fullBlock: true },
  { texts: { cluster_size: '65536', refcount_bits: '64' }, fullBlock: true },
  { texts: { cluster_size: '65536', compat: '0.10' }, fullBlock: true },
];

const SMALL = 64 * KIB * KIB;

function bytesOf(device: MemoryDevice, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; at += 1 << 20) device.read(at, bytes.subarray(at, at + (1 << 20)));
  return bytes;
}

describe('every edge, every length, every kind of change', () => {
  it.each(shapes.map((shape) => [shapeName(shape), shape] as const))('%s', (_, shape) => {
    const subject = qcow2Subject(shape);
    const most = runs(subject.clusterSize > KIB * KIB ? 60 : 250);
    const grid = shuffledGrid(subject, subject.size, seed, most);
    const fault = firstFault(subject, grid, ({ model }) => {
      const file = subject.file();
      if (file.size > SMALL || shape.texts.data_file !== undefined) return;
      withTempDir((dir) => {
        const path = join(dir, 'image.qcow2');
        writeFileSync(path, bytesOf(file, file.size));
        const { code, stdout, stderr } = qemuImg(['check', path]);
        expect(`${code} ${stdout}${stderr}`).toContain('No errors were found');
        if (shape.backing || model.size > SMALL) return;
        const twin = join(dir, 'twin.raw');
        writeFileSync(twin, bytesOf(model, model.size));
        const compared = qemuImg(['compare', '-f', 'qcow2', '-F', 'raw', path, twin]);
        expect(compared.stdout + compared.stderr).toContain('Images are identical.');
      });
    });
    expect(fault).toBe(undefined);
  });
});
