/** Cluster 0 after a rewrite against the one that `qemu-img rebase -u` leaves, also with content that nobody knows. */
import { closeSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeImage, type Recipe } from '../../../testing/oracle/qcow2-recipes.ts';
import { qemuImg, qemuImgOrThrow } from '../../../testing/oracle/qemu-tools.ts';
import { withTempDir } from '../../../testing/oracle/temp-dir.ts';
import { encodeUtf8 } from '../../bytes/text.ts';
import { memoryDeviceOf } from '../../device/memory.ts';
import { extensionsOf } from './extensions.ts';
import { openHeader } from './open-header.ts';
import { encodeHeaderCluster, type HeaderContents, readHeaderContents } from './rewrite-header.ts';

interface Unknown {
  readonly fields?: Uint8Array;
  readonly extensions?: readonly { readonly type: number; readonly data: string }[];
  /** Bits 63, 62 … of the compatible and autoclear features. */
  readonly bits?: boolean;
}

const state = (file: string) => {
  const device = memoryDeviceOf(readFileSync(file));
  const header = openHeader(device);
  return { header, contents: readHeaderContents(device, header, extensionsOf(device, header)) };
};

const patch = (file: string, at: number, bytes: Uint8Array): void => {
  const fd = openSync(file, 'r+');
  writeSync(fd, bytes, 0, bytes.length, at);
  closeSync(fd);
};

/** Puts bytes behind the header and extensions behind those, in front of the ones that are there. */
function addUnknown(file: string, { fields = new Uint8Array(0), extensions = [], bits = false }: Unknown): void {
  const image = readFileSync(file);
  const clusterSize = 2 ** image.readUInt32BE(20);
  const from = image.readUInt32BE(4) === 2 ? 72 : 112;
  const cluster = Buffer.from(image.subarray(0, clusterSize));
  const added = extensions.map(({ type, data }) => {
    const bytes = Buffer.alloc(8 + Math.ceil(data.length / 8) * 8);
    bytes.writeUInt32BE(type, 0);
    bytes.writeUInt32BE(data.length, 4);
    bytes.write(data, 8, 'latin1');
    return bytes;
  });
  const inserted = Buffer.concat([fields, ...added]);
  cluster.copy(cluster, from + inserted.length, from, clusterSize - inserted.length);
  inserted.copy(cluster, from);
  if (from === 112) {
    cluster.writeUInt32BE(112 + fields.length, 100);
    if (bits) {
      cluster[80] = 0xa0;
      cluster[88] = 0xc0;
    }
  }
  const nameAt = Number(cluster.readBigUInt64BE(8));
  if (nameAt > 0) cluster.writeBigUInt64BE(BigInt(nameAt + inserted.length), 8);
  patch(file, 0, cluster);
}

const extensions = [
  { type: 0x11111111, data: 'first' },
  { type: 0x22222222, data: '' },
  { type: 0x33333333, data: 'a third one of 29 bytes, say.' },
];
const fields = Uint8Array.from({ length: 24 }, (_, i) => 0xa0 + i);

const cases: readonly (Recipe & { readonly unknown?: Unknown })[] = [
  { name: 'version 3', size: '1M' },
  { name: 'version 2', size: '1M', options: 'compat=0.10' },
  { name: 'version 2 with unknown extensions', size: '1M', options: 'compat=0.10', unknown: { extensions } },
  { name: 'unknown extensions', size: '1M', unknown: { extensions } },
  { name: 'unknown header bytes', size: '1M', unknown: { fields } },
  { name: 'unknown everything', size: '1M', unknown: { fields, extensions, bits: true } },
  { name: 'small clusters', size: '1M', options: 'cluster_size=512', unknown: { fields, extensions } },
  { name: 'clusters of 4 KiB', size: '1M', options: 'cluster_size=4k' },
  { name: 'clusters of 8 KiB', size: '1M', options: 'cluster_size=8k', unknown: { fields, extensions } },
  { name: 'large clusters', size: '5G', options: 'cluster_size=2M,refcount_bits=64,lazy_refcounts=on' },
  {
    name: 'extended L2 and zstd',
    size: '1M',
    options: 'extended_l2=on,compression_type=zstd',
    unknown: { extensions },
  },
  { name: 'a data file', size: '1M', options: 'data_file=DATA', unknown: { extensions } },
  { name: 'snapshots', size: '1M', steps: ['write 0 64k', 'snapshot a', 'snapshot b'], unknown: { extensions } },
  { name: 'bitmaps', size: '1M', steps: ['bitmap b0', 'bitmap b1'], unknown: { fields, extensions } },
];

/** Ours: the image as it was, with another backing file. */
function rewritten(file: string, backing: Partial<HeaderContents>, bitmaps?: HeaderContents['bitmaps']): Uint8Array {
  const { header, contents } = state(file);
  const autoclear = header.autoclear & 3n;
  return encodeHeaderCluster({ ...header, autoclear }, { ...contents, ...(bitmaps ? { bitmaps } : {}), ...backing });
}

const sameCluster = (ours: Uint8Array, file: string): void => {
  const theirs = new Uint8Array(readFileSync(file).subarray(0, ours.length));
  const at = ours.findIndex((byte, i) => byte !== theirs[i]);
  expect(at < 0 ? undefined : `byte ${at}: ours ${ours[at]}, oracle ${theirs[at]}`).toBe(undefined);
};

describe('cluster 0 as qemu-img rebase -u leaves it', () => {
  for (const { unknown, ...recipe } of cases) {
    it(recipe.name, () => {
      withTempDir((dir) => {
        const file = makeImage(recipe, dir);
        if (unknown) addUnknown(file, unknown);
        // Named, renamed (what is unknown changes its order each time), and named no more.
        for (const name of ['base.qcow2', 'another base.raw', '']) {
          const format = name.endsWith('raw') ? 'raw' : 'qcow2';
          const ours = (bitmaps?: HeaderContents['bitmaps']) =>
            name === ''
              ? rewritten(file, { backingName: undefined, backingFormat: undefined }, bitmaps)
              : rewritten(file, { backingName: encodeUtf8(name), backingFormat: encodeUtf8(format) }, bitmaps);
          const before = readFileSync(file);
          const withoutBitmaps = ours();
          qemuImgOrThrow(['rebase', '-u', '-f', 'qcow2', '-b', name, ...(name ? ['-F', format] : []), file], {
            cwd: dir,
          });
          // Bitmaps are stored anew, so their directory moves: only where it goes is taken from the oracle.
          const after = readFileSync(file);
          const { bitmaps } = state(file).contents;
          if (!bitmaps) sameCluster(withoutBitmaps, file);
          else {
            writeFileSync(file, before);
            const withBitmaps = ours(bitmaps);
            writeFileSync(file, after);
            sameCluster(withBitmaps, file);
          }
        }
      });
    });
  }

  it('the place of a LUKS header', () => {
    withTempDir((dir) => {
      const options = 'encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=10';
      const file = makeImage({ name: 'luks', size: '1M', options }, dir);
      expect(state(file).contents.crypto?.offset).toBeGreaterThan(0);
      sameCluster(rewritten(file, {}), file);
    });
  });

  it('an older header of 104 bytes becomes one of 112', () => {
    withTempDir((dir) => {
      const file = makeImage({ name: 'old', size: '1M', options: 'cluster_size=4k' }, dir);
      patch(file, 100, Uint8Array.of(0, 0, 0, 104));
      const ours = rewritten(file, { backingName: encodeUtf8('b'), backingFormat: encodeUtf8('raw') });
      qemuImgOrThrow(['rebase', '-u', '-f', 'qcow2', '-b', 'b', '-F', 'raw', file]);
      sameCluster(ours, file);
      expect(state(file).header.headerLength).toBe(112);
    });
  });

  it('what does not fit is refused where qemu-img refuses it, to the byte', () => {
    withTempDir((dir) => {
      const file = join(dir, 'image.qcow2');
      for (let length = 373; length < 380; length++) {
        makeImage({ name: 'small', size: '1M', options: 'cluster_size=512' }, dir);
        const name = 'n'.repeat(length);
        const fits = qemuImg(['rebase', '-u', '-f', 'qcow2', '-b', name, '-F', 'qcow2', file]).code === 0;
        const backing = { backingName: encodeUtf8(name), backingFormat: encodeUtf8('qcow2') };
        expect(fits).toBe(length <= 376);
        if (fits) sameCluster(rewritten(file, {}), file);
        else expect(() => rewritten(file, backing)).toThrow(/does not fit/);
      }
    });
  });
});
