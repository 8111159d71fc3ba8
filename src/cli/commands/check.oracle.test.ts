/** `check -r` line by line against qemu-img: what is printed, returned and left behind. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { contents, diskwright, type Pair, runPair } from '../../testing/oracle/command-pair.ts';
import { qemuImg, qemuImgOrThrow, qemuIo } from '../../testing/oracle/qemu-tools.ts';
import { withTempDirAsync } from '../../testing/oracle/temp-dir.ts';

const CLUSTER = 65536;
const BLOCK = 2 * CLUSTER;
const L1 = 3 * CLUSTER;
const L2 = 4 * CLUSTER;

/** Four clusters of data: L2 table 4, data 5 to 8. */
function makeImage(dir: string, options: readonly string[] = []): Buffer {
  qemuImgOrThrow(['create', '-q', '-f', 'qcow2', ...options, 'x', '1M'], { cwd: dir });
  qemuIo(['-f', 'qcow2', '-c', 'write -P 1 0 256k', 'x'], { cwd: dir });
  return readFileSync(join(dir, 'x'));
}

type Damage = (bytes: Buffer) => void;

const count =
  (cluster: number, value: number): Damage =>
  (bytes) =>
    bytes.writeUInt16BE(value, BLOCK + cluster * 2);

/** Where the new refcounts are is each program's own business. */
const withoutEnd = (text: string): string =>
  text.replace(/^Image end offset: \d+$/m, 'Image end offset').replace(/"image-end-offset": \d+/, '"image-end-offset"');

/** Lines about counts and COPIED, which scripts read. */
const findingLines = (text: string): string[] =>
  text
    .replace(/^Some clusters may be leaked, [^.]*\./m, '')
    .split('\n')
    .filter((line) => /cluster.* refcount=|^Rebuilding refcount structure$/.test(line));

async function repaired(damage: Damage, line: string): Promise<Pair> {
  return await withTempDirAsync(async (dir) => {
    const bytes = makeImage(dir);
    damage(bytes);
    writeFileSync(join(dir, 'x'), bytes);
    return await runPair(line.split(' '), dir);
  });
}

const DAMAGES: Readonly<Record<string, Damage>> = {
  sound: () => {},
  'a leak': count(7, 2),
  'a cluster that nothing uses': count(20, 3),
  'counts too low': (bytes) => {
    bytes.copy(bytes, L2 + 8, L2, L2 + 8);
  },
  'a lost count': count(7, 0),
  'lost counts of the tables': (bytes) => {
    for (const cluster of [0, 1, 2, 3, 4]) count(cluster, 0)(bytes);
  },
  'a lost refcount table': (bytes) => {
    bytes.fill(0, CLUSTER, CLUSTER + 8);
  },
  'COPIED missing': (bytes) => {
    bytes[L1] = 0;
    bytes[L2 + 8] = 0;
  },
  'COPIED where it is shared': (bytes) => {
    bytes.copy(bytes, L2 + 24, L2, L2 + 8);
    count(5, 2)(bytes);
    count(8, 0)(bytes);
  },
  'an entry behind the end': (bytes) => {
    bytes.writeBigUInt64BE(0x8000_0000_0102_0000n, L2);
  },
  'a place without data that is not aligned': (bytes) => {
    bytes.writeBigUInt64BE(0x8000_0000_0005_0201n, L2);
  },
  'data on the refcount table': (bytes) => {
    bytes.writeBigUInt64BE(0x8000_0000_0001_0000n, L2);
  },
  'an L2 table on the refcount table': (bytes) => {
    bytes.writeBigUInt64BE(0x8000_0000_0001_0000n, L1);
  },
  'marked dirty and corrupt': (bytes) => {
    bytes[79] = 3;
    count(30, 1)(bytes);
  },
};

describe.each(Object.keys(DAMAGES))('%s', (name) => {
  test.each(['-r all', '-r leaks', '--repair=all --output=json', '-q -r all'])('check %s', async (flags) => {
    const { qemu, ours } = await repaired(DAMAGES[name] as Damage, `check ${flags} x`);
    expect([ours.status, withoutEnd(ours.stdout)]).toEqual([qemu.status, withoutEnd(qemu.stdout)]);
    const rebuilt = ours.stderr.includes('Rebuilding');
    // After a rebuild the old structure's clusters are given back, wherever they were.
    const lines = (text: string): string[] =>
      findingLines(text).filter((line) => !(rebuilt && line.startsWith('Repairing cluster')));
    expect(lines(ours.stderr)).toEqual(lines(qemu.stderr));
    for (const line of ours.stderr.split('\n')) expect(line).toMatch(/^(diskwright: |ERROR |Leaked |Rep|Rebuild|$)/);
  });

  test('is sound for both afterwards where qemu-img can repair it, and reads the same', async () => {
    await withTempDirAsync(async (dir) => {
      const bytes = makeImage(dir);
      (DAMAGES[name] as Damage)(bytes);
      writeFileSync(join(dir, 'x'), bytes);
      const toRaw = (name: string): boolean =>
        qemuImg(['convert', '-q', '-f', 'qcow2', '-O', 'raw', 'x', name], { cwd: dir }).code === 0;
      const readable = toRaw('before');
      const mine = await diskwright(['check', '-r', 'all', 'x'], dir);
      const again = await diskwright(['check', 'x'], dir);
      expect(again.status).toBe(mine.status);
      expect(qemuImg(['check', 'x'], { cwd: dir }).code).toBe(mine.status);
      expect(toRaw('after')).toBe(true);
      // Data on a table is what the table says, before and after.
      if (readable && name !== 'data on the refcount table' && !name.startsWith('an L2 table')) {
        expect(readFileSync(join(dir, 'after')).equals(readFileSync(join(dir, 'before')))).toBe(true);
      }
      if (mine.status === 0) expect(readFileSync(join(dir, 'x'))[79]).toBe(0);
    });
  });
});

test('a sound image is not touched, and nothing but the image ever', async () => {
  const { ours } = await repaired(() => {}, 'check -r all x');
  expect(ours.files).toEqual(ours.before);
  const broken = await repaired(count(7, 0), 'check -r leaks x');
  expect(broken.ours.files).toEqual(broken.ours.before);
  expect(broken.ours.stderr).toContain('nothing was repaired');
});

test('a name inside the image begins no line of its own', async () => {
  await withTempDirAsync(async (dir) => {
    makeImage(dir);
    qemuImgOrThrow(['snapshot', '-c', 'evil\nERROR cluster 1 refcount=1 reference=2', 'x'], { cwd: dir });
    const bytes = readFileSync(join(dir, 'x'));
    // The snapshot's L1 table is not aligned.
    bytes[Number(bytes.readBigUInt64BE(64)) + 6] = 2;
    writeFileSync(join(dir, 'x'), bytes);
    const { stderr } = await diskwright(['check', 'x'], dir);
    expect(stderr).toContain('evil\\x0aERROR');
    expect(stderr).not.toMatch(/^ERROR cluster 1 refcount=1 reference=2/m);
  });
});

test('formats without a check', async () => {
  await withTempDirAsync(async (dir) => {
    writeFileSync(join(dir, 'r.raw'), Buffer.alloc(4096));
    const { qemu, ours } = await runPair(['check', '-r', 'all', '-f', 'raw', 'r.raw'], dir);
    expect([ours.status, ours.stdout]).toEqual([qemu.status, qemu.stdout]);
    expect(ours.status).toBe(63);
    expect(ours.stderr).toBe('diskwright: r.raw: the format raw has nothing that could be checked\n');
  });
});

test('bitmaps that another program has made stale are given up by a repair alone', async () => {
  await withTempDirAsync(async (dir) => {
    makeImage(dir);
    qemuImgOrThrow(['bitmap', '--add', 'x', 'b0'], { cwd: dir });
    const bytes = readFileSync(join(dir, 'x'));
    bytes[95] = 0x20;
    writeFileSync(join(dir, 'x'), bytes);
    const before = contents(dir);
    const look = await runPair(['check', 'x'], dir);
    expect([look.ours.status, look.ours.stdout]).toEqual([look.qemu.status, look.qemu.stdout]);
    expect(look.ours.files).toEqual(before);
    const { qemu, ours } = await runPair(['check', '-r', 'all', 'x'], dir);
    expect([ours.status, ours.stdout]).toEqual([qemu.status, qemu.stdout]);
    expect(findingLines(ours.stderr)).toEqual(findingLines(qemu.stderr));
  });
});

describe('an image that QEMU has open', () => {
  let holder: ChildProcess | undefined;
  afterEach(() => {
    holder?.kill();
  });

  test('is not repaired', async () => {
    await withTempDirAsync(async (dir) => {
      makeImage(dir);
      const child = spawn('qemu-io', ['-f', 'qcow2', 'x'], { cwd: dir, stdio: ['pipe', 'pipe', 'inherit'] });
      holder = child;
      child.stdin.write('length\n');
      await new Promise((resolve) => child.stdout.once('data', resolve));
      const { status, stdout, stderr } = await diskwright(['check', '-r', 'all', 'x'], dir);
      expect([status, stdout]).toEqual([1, '']);
      expect(stderr).toContain('another program has this image open');
    });
  });
});
