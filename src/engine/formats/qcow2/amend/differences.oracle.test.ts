/** Where amending differs from QEMU 7.2 on purpose: what it destroys, leaks or never finishes. */
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { qemuImg, qemuImgOrThrow, qemuIo } from '../../../../testing/oracle/qemu-tools.ts';
import { finish } from '../../../../testing/oracle/replay.ts';
import { withTempDir } from '../../../../testing/oracle/temp-dir.ts';
import { MAX_TRANSFER } from '../../../device/device.ts';
import { memoryDeviceOf } from '../../../device/memory.ts';
import type { Chain } from '../../../image/access.ts';
import { rawDriver } from '../../raw/driver.ts';
import { qcow2Editor } from '../editor.ts';

/** What opening says. */
interface Ours {
  readonly warnings: string[];
}

/** Amends a file in place. */
function amend(file: string, texts: Readonly<Record<string, string>>, backing?: string): Ours {
  const image = memoryDeviceOf(readFileSync(file));
  const below = backing === undefined ? undefined : rawDriver.open?.({ image: memoryDeviceOf(readFileSync(backing)) });
  const chain: Chain | undefined = below && [below];
  const warnings: string[] = [];
  const opened = qcow2Editor.openWritable(
    { image, ...(chain ? { backing: chain } : {}) },
    { onWarning: (text) => warnings.push(text) },
  );
  finish(opened.amend?.(texts));
  opened.close();
  const bytes = new Uint8Array(image.size);
  for (let at = 0; at < bytes.length; at += MAX_TRANSFER) image.read(at, bytes.subarray(at, at + MAX_TRANSFER));
  writeFileSync(file, bytes);
  return { warnings };
}

function create(dir: string, size: string, options?: string, backing?: string): string {
  const file = join(dir, 'image');
  const below = backing === undefined ? [] : ['-b', backing, '-F', 'raw'];
  const list = options === undefined ? [] : ['-o', options];
  qemuImgOrThrow(['create', '-q', '-f', 'qcow2', ...list, ...below, file, size], { cwd: dir });
  return file;
}

function io(file: string, ...commands: readonly string[]): string {
  const { stdout, stderr } = qemuIo(['-f', 'qcow2', ...commands.flatMap((one) => ['-c', one]), file]);
  expect(stderr).toBe('');
  return stdout;
}

const isClean = (file: string): void => {
  const { code, stdout, stderr } = qemuImg(['check', file]);
  expect([code, stderr, stdout]).toEqual([0, '', expect.stringContaining('No errors')]);
};

const holds = (file: string, pattern: number, at: string, length: string): void =>
  expect(io(file, `read -P ${pattern} ${at} ${length}`)).toMatch(/^read \d+/);

describe('amend compat=0.10', () => {
  for (const below of ['nothing', 'an image']) {
    it(`keeps what a snapshot has where the disk has a zero cluster, over ${below}; qemu-img fills it with zeros`, () => {
      withTempDir((dir) => {
        const backing = below === 'nothing' ? undefined : join(dir, 'base');
        if (backing) writeFileSync(backing, Buffer.alloc(1 << 20, 0x5a));
        const file = create(dir, '1M', undefined, backing);
        io(file, 'write -P 7 0 128k');
        qemuImgOrThrow(['snapshot', '-c', 's', file]);
        io(file, 'write -z 0 64k', 'write -P 8 64k 64k');
        copyFileSync(file, `${file}.qemu`);
        qemuImgOrThrow(['amend', '-o', 'compat=0.10', `${file}.qemu`], { cwd: dir });
        qemuImgOrThrow(['snapshot', '-a', 's', `${file}.qemu`], { cwd: dir });
        expect(io(`${file}.qemu`, 'read -P 7 0 64k')).toContain('failed');

        amend(file, { compat: '0.10' }, backing);
        isClean(file);
        holds(file, 0, '0', '64k');
        holds(file, 8, '64k', '64k');
        qemuImgOrThrow(['snapshot', '-a', 's', file], { cwd: dir });
        isClean(file);
        holds(file, 7, '0', '128k');
      });
    });
  }

  it('keeps what the disk has where a snapshot has a zero cluster', () => {
    withTempDir((dir) => {
      const file = create(dir, '1M');
      io(file, 'write -P 7 0 64k');
      qemuImgOrThrow(['snapshot', '-c', 'data', file]);
      io(file, 'write -z 0 64k');
      qemuImgOrThrow(['snapshot', '-c', 'zeros', file]);
      qemuImgOrThrow(['snapshot', '-a', 'data', file]);
      amend(file, { compat: '0.10' });
      isClean(file);
      holds(file, 7, '0', '64k');
      qemuImgOrThrow(['snapshot', '-a', 'zeros', file]);
      holds(file, 0, '0', '64k');
      isClean(file);
    });
  });

  it('removes dirty bitmaps and says so; qemu-img leaves their clusters as leaks', () => {
    withTempDir((dir) => {
      const file = create(dir, '1M');
      qemuImgOrThrow(['bitmap', '--add', file, 'b0']);
      io(file, 'write -P 7 0 64k');
      qemuImgOrThrow(['bitmap', '--add', file, 'b1']);
      copyFileSync(file, `${file}.qemu`);
      qemuImg(['amend', '-o', 'compat=0.10', `${file}.qemu`]);
      expect(qemuImg(['check', `${file}.qemu`]).code).toBe(3);
      expect(amend(file, { compat: '0.10' }).warnings).toEqual([expect.stringContaining('bitmaps')]);
      isClean(file);
      holds(file, 7, '0', '64k');
    });
  });

  it('drops header bytes that nobody knows; qemu-img leaves an image that it cannot open', () => {
    withTempDir((dir) => {
      const file = create(dir, '1M', 'cluster_size=4k');
      const image = readFileSync(file);
      image.writeUInt32BE(128, 100);
      image.write('ABCDEFGHIJKLMNOP', 112, 'latin1');
      writeFileSync(file, image);
      copyFileSync(file, `${file}.qemu`);
      qemuImgOrThrow(['amend', '-o', 'compat=0.10', `${file}.qemu`]);
      expect(qemuImg(['info', `${file}.qemu`]).code).toBe(1);
      amend(file, { compat: '0.10' });
      isClean(file);
    });
  });

  it('is refused while a snapshot has clusters that zstd compressed; qemu-img makes them unreadable', () => {
    withTempDir((dir) => {
      const raw = join(dir, 'raw');
      const file = join(dir, 'image');
      writeFileSync(raw, Buffer.alloc(65536, 'twenty thousand and one '));
      qemuImgOrThrow(['convert', '-c', '-O', 'qcow2', '-o', 'compression_type=zstd', raw, file]);
      qemuImgOrThrow(['snapshot', '-c', 's', file]);
      io(file, 'write -P 7 0 64k');
      copyFileSync(file, `${file}.qemu`);
      qemuImgOrThrow(['amend', '-o', 'compat=0.10', `${file}.qemu`]);
      qemuImgOrThrow(['snapshot', '-a', 's', `${file}.qemu`]);
      expect(qemuImg(['compare', raw, `${file}.qemu`]).code).not.toBe(0);
      expect(() => amend(file, { compat: '0.10' })).toThrow(/zstd/);
      qemuImgOrThrow(['snapshot', '-a', 's', file]);
      expect(qemuImg(['compare', raw, file]).code).toBe(0);
    });
  });
});

describe('amend refcount_bits', () => {
  it('with clusters of 2 MiB is done at once; qemu-img counts through 2^38 clusters that are not there', () => {
    withTempDir((dir) => {
      const file = create(dir, '64M', 'cluster_size=2M');
      io(file, 'write -P 7 5M 9');
      for (const bits of ['1', '64', '8', '16']) {
        amend(file, { refcount_bits: bits });
        isClean(file);
      }
      holds(file, 7, '5M', '9');
    });
  });

  it('that is refused leaves the version as it was; qemu-img has upgraded the image by then', () => {
    withTempDir((dir) => {
      const file = create(dir, '1M', 'compat=0.10');
      io(file, 'write -P 7 0 64k');
      qemuImgOrThrow(['snapshot', '-c', 's', file]);
      copyFileSync(file, `${file}.qemu`);
      const texts = { compat: '1.1', refcount_bits: '1' };
      expect(qemuImg(['amend', '-o', 'compat=1.1,refcount_bits=1', `${file}.qemu`]).code).toBe(1);
      expect(readFileSync(`${file}.qemu`).readUInt32BE(4)).toBe(3);
      const before = readFileSync(file);
      expect(() => amend(file, texts)).toThrow(/references/);
      expect(readFileSync(file).equals(before)).toBe(true);
    });
  });
});
