/**
 * The picture of a file against qemu-img: where `map` puts data there is data, what `check` counts as leaked is
 * leaked, every cluster in use has one purpose, and only tables are read.
 */
import { openSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { NodeReadDevice } from '../../../platform/node/file-device.ts';
import { makeImage, recipes } from '../../../testing/oracle/qcow2-recipes.ts';
import { qemuImg, qemuImgOrThrow, qemuIo } from '../../../testing/oracle/qemu-tools.ts';
import { withTempDir } from '../../../testing/oracle/temp-dir.ts';
import type { ReadableDevice } from '../../device/device.ts';
import { ClusterKind } from '../../image/cluster-kinds.ts';
import type { Exploration } from '../../image/exploration.ts';
import { qcow2Explorer } from './explorer.ts';

function opened<T>(file: string, use: (device: ReadableDevice, bytesRead: () => number) => T): T {
  const device = new NodeReadDevice(openSync(file, 'r'), file);
  let read = 0;
  const counting: ReadableDevice = {
    size: device.size,
    read(at, into) {
      read += into.length;
      device.read(at, into);
    },
    runs: (at, length) => device.runs(at, length),
    close: () => device.close(),
  };
  try {
    return use(counting, () => read);
  } finally {
    device.close();
  }
}

function explored(device: ReadableDevice): Exploration {
  const exploration = qcow2Explorer.explore(device);
  for (const _ of exploration.steps);
  return exploration;
}

function finish<T>(steps: Generator<void, T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

interface MapLine {
  readonly start: number;
  readonly length: number;
  readonly depth: number;
  readonly data: boolean;
  readonly zero: boolean;
  readonly offset?: number;
}

const encrypted = /luks|aes/i;

describe.each(recipes.filter(({ name }) => !encrypted.test(name)))('$name', (recipe) => {
  it('is drawn as qemu-img maps and checks it', () => {
    withTempDir((dir) => {
      const file = makeImage(recipe, dir);
      opened(file, (device) => {
        const { kinds, guest, clusterSize, ownerOf, countOf } = explored(device);
        const counts = kinds.counts();
        const check = JSON.parse(qemuImg(['check', '--output=json', file]).stdout);
        expect(counts[ClusterKind.leaked]).toBe(check.leaks ?? 0);
        expect(counts[ClusterKind.conflict]).toBe(0);
        expect(counts[ClusterKind.header]).toBe(1);
        const map: readonly MapLine[] = JSON.parse(qemuImgOrThrow(['map', '--output=json', file]).stdout);
        const external = /data.file/.test(recipe.name);
        for (const { start, length, depth, data, offset } of map) {
          if (depth > 0 || !data) continue;
          for (let at = 0; at < length; at += clusterSize) {
            const guestKind = guest.get(Math.floor((start + at) / clusterSize));
            expect(guestKind, `guest ${start + at}`).toBeGreaterThan(0);
            if (offset === undefined || external) continue;
            const cluster = Math.floor((offset + at) / clusterSize);
            expect([ClusterKind.data, ClusterKind.shared], `host ${offset + at}`).toContain(kinds.get(cluster));
            if (at > 0) continue;
            const owner = finish(ownerOf(device, cluster));
            expect(owner.guest).toBe(start - (start % clusterSize));
            expect(countOf(device, cluster)).toBeGreaterThan(0);
          }
        }
      });
    });
  });
});

it('finds leaks, snapshots and what they share', () => {
  withTempDir((dir) => {
    const file = join(dir, 'a.qcow2');
    qemuImgOrThrow(['create', '-q', '-f', 'qcow2', file, '64M']);
    qemuIo(['-c', 'write 0 1M', file]);
    qemuImgOrThrow(['snapshot', '-c', 'one', file]);
    qemuIo(['-c', 'write 0 128k', file]);
    opened(file, (device) => {
      const { kinds, ownerOf } = explored(device);
      const counts = kinds.counts();
      expect(counts[ClusterKind.data]).toBe(2);
      expect(counts[ClusterKind.shared]).toBe(14);
      expect(counts[ClusterKind.snapshotData]).toBe(2);
      expect(counts[ClusterKind.l2]).toBe(1);
      expect(counts[ClusterKind.snapshotTable]).toBe(3);
      const only = kinds.find(ClusterKind.snapshotData);
      expect(finish(ownerOf(device, only)).text).toMatch(/only snapshots/);
      const table = kinds.runs(0, 1000).reduce((sum, { count }) => sum + count, 0);
      expect(table).toBe(kinds.length);
    });
  });
});

it('names the bytes of header and tables', () => {
  withTempDir((dir) => {
    const file = join(dir, 'a.qcow2');
    qemuImgOrThrow(['create', '-q', '-f', 'qcow2', '-o', 'compression_type=zstd', file, '40G']);
    qemuIo(['-c', 'write 1G 64k', file]);
    opened(file, (device) => {
      const { fieldsIn, entriesFor, landmarks } = explored(device);
      const named = (at: number, length: number) => new Map(fieldsIn(device, at, length).map((one) => [one.name, one]));
      const header = named(0, 512);
      expect(header.get('disk size')?.value).toBe('40 GiB');
      expect(header.get('incompatible features')?.note).toMatch(/bit 3, compression type/);
      expect(header.get('name of incompatible bit 4')?.value).toBe('extended L2 entries');
      const [l1 = 0, l2 = 0] = entriesFor(device, 2 ** 30);
      expect(named(l1, 8).get('L1 entry 2')?.leads?.at).toBe(l2 - (l2 % 65536));
      const entry = named(l2, 8).get('L2 entry 0');
      expect(entry?.value).toMatch(/^data at/);
      const place = JSON.parse(qemuImgOrThrow(['map', '--output=json', file]).stdout).find((one: MapLine) => one.data);
      expect(entry?.leads?.at).toBe(place.offset);
      const block = landmarks.find(({ name }) => name === 'Refcount block')?.at ?? 0;
      expect(named(block, 8).get('count of cluster 0')?.value).toBe('1');
    });
  });
});

it('reads tables, never data', () => {
  withTempDir((dir) => {
    const file = join(dir, 'a.qcow2');
    qemuImgOrThrow(['create', '-q', '-f', 'qcow2', '-o', 'preallocation=metadata', file, '16G']);
    opened(file, (device, bytesRead) => {
      const { kinds } = explored(device);
      const counts = kinds.counts();
      const tables = [ClusterKind.l2, ClusterKind.refcountBlock, ClusterKind.refcountTable, ClusterKind.l1];
      const clusters = tables.reduce((sum, kind) => sum + (counts[kind] ?? 0), 0);
      expect(counts[ClusterKind.data]).toBe(16 * 2 ** 14);
      expect(bytesRead()).toBeLessThan((clusters + 3) * 65536);
    });
  });
});
