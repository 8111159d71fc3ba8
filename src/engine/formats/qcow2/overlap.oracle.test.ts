/**
 * Entries that point into metadata: a write through them is refused, the image is marked corrupt and no longer
 * written. qemu-io, given the same image and the same write, leaves the same file (contract: systems.md rows 40, 55).
 */
import { closeSync, copyFileSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { diskwright } from '../../../testing/oracle/command-pair.ts';
import { qemuImgOrThrow, qemuIo } from '../../../testing/oracle/qemu-tools.ts';
import { withTempDirAsync } from '../../../testing/oracle/temp-dir.ts';

const CLUSTER = 65536;

/** Clusters of an image with a written cluster and a snapshot, by what they hold. */
const places = [
  ['the refcount table', 1n],
  ['the refcount block', 2n],
  ['the L1 table', 3n],
  ['the snapshot L1 table', 6n],
  ['the snapshot table', 7n],
] as const;

function makeImage(dir: string): string {
  const file = join(dir, 'x');
  qemuImgOrThrow(['create', '-q', '-f', 'qcow2', file, '1M']);
  expect(qemuIo(['-c', 'write -P 1 0 64k', file]).code).toBe(0);
  qemuImgOrThrow(['snapshot', '-c', 's', file]);
  return file;
}

/** Guest cluster 1 is said to lie at `cluster`, this disk's alone. */
function point(file: string, cluster: bigint): void {
  const fd = openSync(file, 'r+');
  const entry = Buffer.alloc(8);
  const table = Buffer.alloc(8);
  const bytes = readFileSync(file);
  bytes.copy(table, 0, 3 * CLUSTER, 3 * CLUSTER + 8);
  const at = Number(table.readBigUInt64BE() & 0x00ff_ffff_ffff_fe00n);
  entry.writeBigUInt64BE((1n << 63n) | (cluster * BigInt(CLUSTER)));
  writeSync(fd, entry, 0, 8, at + 8);
  closeSync(fd);
}

describe('a write that would hit', () => {
  for (const [name, cluster] of places) {
    it(name, async () => {
      await withTempDirAsync(async (dir) => {
        const file = makeImage(dir);
        // Table and cluster are shared with the snapshot: a write makes them this disk's own, and moves the table.
        expect(qemuIo(['-c', 'write -P 2 0 4k', file]).code).toBe(0);
        point(file, cluster);
        const ours = join(dir, 'ours');
        copyFileSync(file, ours);
        const before = readFileSync(file);
        const there = qemuIo(['-c', 'write -P 3 64k 64k', file]);
        const here = await diskwright(['io', '-c', 'write -P 3 64k 64k', 'ours'], dir);
        expect([there.code, here.status]).toEqual([1, 1]);
        expect(here.stdout).toBe(there.stdout);
        expect(here.stderr).toMatch(/would hit/);
        // Nothing but the corrupt bit has changed, on both sides.
        before[79] = (before[79] ?? 0) | 2;
        expect(readFileSync(ours).equals(before)).toBe(true);
        expect(readFileSync(file).equals(before)).toBe(true);
        const again = await diskwright(['io', '-c', 'write 0 4k', 'ours'], dir);
        expect([again.status, qemuIo(['-c', 'write 0 4k', file]).code]).toEqual([1, 1]);
        expect((await diskwright(['io', '-r', '-c', 'read -P 2 0 4k', 'ours'], dir)).status).toBe(0);
      });
    });
  }

  it('nothing that is looked at: the check was switched off', async () => {
    await withTempDirAsync(async (dir) => {
      const file = makeImage(dir);
      expect(qemuIo(['-c', 'write -P 2 0 4k', file]).code).toBe(0);
      point(file, 7n);
      const options = `driver=qcow2,overlap-check=none,file.filename=${file}`;
      const { status } = await diskwright(['io', '--image-opts', '-c', 'write -P 3 64k 4k', options], dir);
      expect(status).toBe(0);
      expect(readFileSync(file)[7 * CLUSTER]).toBe(3);
    });
  });
});
