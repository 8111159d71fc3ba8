/**
 * Random lives of images of every kind beside a plain array of bytes. qemu-img checks every batch's file, compares the
 * last one with a raw twin that qemu-io made of the same operations, and reads every snapshot.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { qemuImg, qemuImgOrThrow, qemuIo } from '../../../testing/oracle/qemu-tools.ts';
import { withTempDir } from '../../../testing/oracle/temp-dir.ts';
import { Random } from '../../../testing/random.ts';
import { runs, seed } from '../../../testing/seed.ts';
import { ModelRun, type ModelShape, NOISE } from '../../../testing/writable/model-run.ts';
import { openRaw } from '../../../testing/writable/qcow2-images.ts';
import { type MemoryDevice, memoryDeviceOf } from '../../device/memory.ts';

function drawShape(random: Random): ModelShape & { readonly name: string } {
  const v2 = random.once(4);
  const clusterSize = random.once(12) ? 2097152 : random.pick([512, 512, 1024, 4096, 16384, 65536]);
  const extended = !v2 && clusterSize >= 16384 && random.once(2);
  const texts: Record<string, string> = { cluster_size: `${clusterSize}`, compat: v2 ? '0.10' : '1.1' };
  if (extended) texts.extended_l2 = 'on';
  if (!v2) texts.refcount_bits = `${random.pick([1, 2, 4, 8, 16, 32, 64])}`;
  if (!v2 && random.once(4)) texts.lazy_refcounts = 'on';
  if (!v2 && random.once(3)) texts.compression_type = 'zstd';
  const dataFile = !v2 && random.once(8);
  if (dataFile) texts.data_file = 'data.raw';
  const clusters = clusterSize > 2 ** 20 ? random.between(1, 2) : random.between(3, 40);
  const size = clusters * clusterSize + 512 * random.below(3);
  const bytes = new Uint8Array(512 * random.between(1, Math.max(1, Math.floor((size * 1.3) / 512)))).map(
    (_, i) => i % 253,
  );
  const backing =
    dataFile || !random.once(3) ? {} : { backing: { chain: [openRaw(memoryDeviceOf(bytes))] as const, bytes } };
  if ('backing' in backing) Object.assign(texts, { backing_file: 'base.raw', backing_fmt: 'raw' });
  const snapshots = !dataFile && random.once(2);
  // A version 2 image with snapshots keeps its size, and cannot hide what it rests on.
  const resizes = !(v2 && (snapshots || 'backing' in backing)) && !random.once(3);
  const name = `${size} ${Object.entries(texts).map((pair) => pair.join('='))}`;
  return { name, texts, size, ...backing, snapshots, resizes, compressed: !dataFile };
}

function bytesOf(device: MemoryDevice): Buffer {
  const bytes = Buffer.alloc(device.size);
  for (let at = 0; at < bytes.length; at += 1 << 20) device.read(at, bytes.subarray(at, at + (1 << 20)));
  return bytes;
}

it('disks hold what was put on them, and their images are clean', () => {
  for (let number = 0; number < runs(60); number++) {
    const random = new Random(seed).fork(number);
    const shape = drawShape(random);
    const where = `image ${number}, ${shape.name}`;
    withTempDir((dir) => {
      const path = join(dir, 'image.qcow2');
      writeFileSync(join(dir, 'noise'), NOISE);
      writeFileSync(join(dir, 'base.raw'), shape.backing?.bytes ?? Buffer.alloc(0));
      const run = new ModelRun(shape, random);
      const toFile = (): void => writeFileSync(path, bytesOf(run.file));
      for (let batch = 0; batch < 4; batch++) {
        expect(run.batch(15), `${where}, batch ${batch}`).toBe(undefined);
        toFile();
        writeFileSync(join(dir, 'data.raw'), Buffer.alloc(shape.size));
        const { stdout, stderr } = qemuImg(['check', '-f', 'qcow2', path], { cwd: dir });
        expect(`${stdout}${stderr}`, `${where}, batch ${batch}`).toContain('No errors were found');
      }
      run.close();
      toFile();
      if (shape.texts.data_file !== undefined) return;
      const twin = join(dir, 'twin.raw');
      if (shape.snapshots) writeFileSync(twin, run.disk);
      else {
        writeFileSync(twin, Buffer.alloc(shape.size));
        if (shape.backing)
          writeFileSync(twin, Buffer.concat([shape.backing.bytes, Buffer.alloc(shape.size)]).subarray(0, shape.size));
        const commands = run.twin.flatMap((one) => ['-c', one.replace('NOISE', join(dir, 'noise'))]);
        const { code, stdout, stderr } = qemuIo(['-f', 'raw', ...commands, twin]);
        expect(code, stdout + stderr).toBe(0);
      }
      const { stdout, stderr } = qemuImg(['compare', '-f', 'qcow2', '-F', 'raw', path, twin], { cwd: dir });
      expect(stdout + stderr, where).toContain('Images are identical.');
      for (const { name, disk } of run.saved) {
        qemuImgOrThrow(['convert', '-l', `snapshot.name=${name}`, '-f', 'qcow2', '-O', 'raw', path, `${path}.s`], {
          cwd: dir,
        });
        // QEMU reads a snapshot with the length that the disk has now.
        const there = readFileSync(`${path}.s`);
        const common = Math.min(there.length, disk.length);
        const same = there.subarray(0, common).equals(disk.subarray(0, common));
        expect(same, `${where}, snapshot ${name}`).toBe(true);
      }
    });
  }
});
