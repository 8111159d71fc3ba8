/** Images laid out anew, against qemu-img: convert's own bytes where nothing compressed is kept, the same disk always. */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { memoryDeviceOf } from '../../engine/device/memory.ts';
import { qcow2Editor } from '../../engine/formats/qcow2/editor.ts';
import { rewriteFile } from '../../testing/change.ts';
import { makeImage, type Recipe, recipes } from '../../testing/oracle/qcow2-recipes.ts';
import { imageInfo, qemuImg, qemuImgOrThrow, qemuIo } from '../../testing/oracle/qemu-tools.ts';
import { withTempDirAsync } from '../../testing/oracle/temp-dir.ts';

const recipe = (name: string): Recipe => recipes.find((one) => one.name === name) as Recipe;
const plain = recipes.filter(({ name }) => name !== 'luks' && name !== 'data file');

/** Options as the page keeps them: those that say where the guest's data is, or how it starts, do not come along. */
const kept = (options = ''): string[] => {
  const list = options.split(',').filter((one) => one !== '' && !/^(preallocation|data_file)/.test(one));
  return list.length === 0 ? [] : ['-o', list.join(',')];
};

function expectSound(file: string): void {
  const { code, stdout, stderr } = qemuImg(['check', file]);
  expect(code, stdout + stderr).toBe(0);
}

/** What a bitmap marks, as [from, length]. */
function marked(file: string, name: string): [number, number][] {
  const stretches: [number, number][] = [];
  const source = qcow2Editor.bitmaps?.(memoryDeviceOf(readFileSync(file)));
  source?.visitMarked(name, (at, length) => stretches.push([at, length]));
  return stretches;
}

describe('compact', () => {
  test.each(plain)(
    '$name: the disk is the same, and without compressed clusters the bytes are convert’s',
    async (one) => {
      await withTempDirAsync(async (dir) => {
        const file = makeImage(one, dir);
        const before = readFileSync(file);
        const theirs = join(dir, 'theirs.qcow2');
        qemuImgOrThrow(['convert', '-f', 'qcow2', '-O', 'qcow2', ...kept(one.options), file, theirs]);
        const mine = join(dir, 'mine.qcow2');
        const change = { kind: 'compact', dropSnapshots: true, bitmaps: 'drop', compressed: 'unpack' } as const;
        await rewriteFile(file, change, mine);
        expect(readFileSync(mine).equals(readFileSync(theirs)), 'bytes').toBe(true);
        await rewriteFile(file, { ...change, compressed: 'keep' }, mine);
        expectSound(mine);
        const { code, stdout } = qemuImg(['compare', mine, file]);
        expect(code, stdout).toBe(0);
        expect(readFileSync(file).equals(before)).toBe(true);
      });
    },
  );

  test('compressed clusters stay as they are, zeros and freed clusters go, and doing it again gains nothing', async () => {
    await withTempDirAsync(async (dir) => {
      for (const name of ['compressed, then overwritten', 'compressed text, zstd', 'compressed text, large clusters']) {
        const file = makeImage(recipe(name), dir);
        qemuIo(['-c', 'write -P 0 0 200k', '-c', 'discard 2M 512k', file]);
        const once = join(dir, 'once.qcow2');
        const twice = join(dir, 'twice.qcow2');
        const planned = await rewriteFile(file, { kind: 'compact' }, once);
        await rewriteFile(once, { kind: 'compact' }, twice);
        expect(
          planned.facts.map(({ label }) => label),
          name,
        ).toContain('Compressed clusters kept');
        expect(planned.after.length).toBe(statSync(once).size);
        expect(statSync(once).size).toBeLessThanOrEqual(statSync(file).size);
        expect(readFileSync(twice).equals(readFileSync(once)), name).toBe(true);
        expectSound(once);
        expect(qemuImg(['compare', once, file]).code).toBe(0);
      }
    });
  });

  test('bitmaps come along with their bits, their granularity and whether they record', async () => {
    await withTempDirAsync(async (dir) => {
      const file = makeImage(recipe('bitmaps'), dir);
      qemuImgOrThrow(['bitmap', '--disable', file, 'b1']);
      qemuImgOrThrow(['bitmap', '--add', '-g', '4k', file, 'fine']);
      qemuIo(['-c', 'write -P 5 8M 12k', file]);
      const mine = join(dir, 'mine.qcow2');
      await rewriteFile(file, { kind: 'compact' }, mine);
      expectSound(mine);
      const theirs = join(dir, 'theirs.qcow2');
      qemuImgOrThrow(['convert', '--bitmaps', '-f', 'qcow2', '-O', 'qcow2', file, theirs]);
      // Their order turns round whenever they are stored.
      const listed = (image: string) => {
        const bitmaps = imageInfo(image)['format-specific']?.data['bitmaps'] ?? [];
        return (bitmaps as { name: string }[]).toSorted((a, b) => a.name.localeCompare(b.name));
      };
      expect(listed(mine)).toEqual(listed(file));
      expect(listed(mine)).toEqual(listed(theirs));
      for (const name of ['b0', 'b1', 'fine']) expect(marked(mine, name), name).toEqual(marked(theirs, name));
      expect(marked(mine, 'fine')).toEqual([[8 * 2 ** 20, 12 * 1024]]);
    });
  });

  test('snapshots are left out only where that is said', async () => {
    await withTempDirAsync(async (dir) => {
      const file = makeImage(recipe('snapshots'), dir);
      const mine = join(dir, 'mine.qcow2');
      await expect(rewriteFile(file, { kind: 'compact' }, mine)).rejects.toThrow(/has 2 snapshots/);
      const planned = await rewriteFile(file, { kind: 'compact', dropSnapshots: true }, mine);
      expect(planned.warnings).toContain('The 2 snapshots are not in the new image.');
      expect(qemuImgOrThrow(['snapshot', '-l', mine]).stdout).toBe('');
    });
  });

  test('over a backing image, too, data stays where it is, though parts of clusters are zeros', async () => {
    await withTempDirAsync(async (dir) => {
      const base = join(dir, 'base.qcow2');
      const file = join(dir, 'image.qcow2');
      const theirs = join(dir, 'theirs.qcow2');
      const mine = join(dir, 'mine.qcow2');
      qemuImgOrThrow(['create', '-q', '-f', 'qcow2', base, '16M']);
      qemuImgOrThrow(['create', '-q', '-f', 'qcow2', '-b', base, '-F', 'qcow2', file]);
      const pieces = Array.from({ length: 150 }, (_, i) => ['-c', `write -P ${(i % 9) + 1} ${i * 98_304 + 20_480} 9k`]);
      qemuIo([...pieces.flat(), file]);
      qemuImgOrThrow(['convert', '-f', 'qcow2', '-O', 'qcow2', '-B', base, '-F', 'qcow2', file, theirs]);
      await rewriteFile(file, { kind: 'compact' }, mine, { mostOwn: 700_000 });
      expect(readFileSync(mine).equals(readFileSync(theirs))).toBe(true);
    });
  });

  test('what rests on another image still does, and hides what it hid', async () => {
    await withTempDirAsync(async (dir) => {
      const base = makeImage(recipe('written here and there'), dir, 'base.qcow2');
      const file = join(dir, 'image.qcow2');
      qemuImgOrThrow(['create', '-q', '-f', 'qcow2', '-b', base, '-F', 'qcow2', file, '80M']);
      qemuIo([
        '-c',
        'write -P 9 300k 40k',
        '-c',
        'write -z 10M 128k',
        '-c',
        'write -P 0 5M 64k',
        '-c',
        'discard 0 64k',
        file,
      ]);
      const theirs = join(dir, 'theirs.qcow2');
      qemuImgOrThrow(['convert', '-f', 'qcow2', '-O', 'qcow2', '-B', base, '-F', 'qcow2', file, theirs]);
      const mine = join(dir, 'mine.qcow2');
      await rewriteFile(file, { kind: 'compact' }, mine);
      expect(readFileSync(mine).equals(readFileSync(theirs))).toBe(true);
      expectSound(mine);
      expect(qemuImg(['compare', mine, file]).code).toBe(0);
    });
  });
});

describe('flatten and extract', () => {
  test('a chain becomes one image', async () => {
    await withTempDirAsync(async (dir) => {
      const base = makeImage(recipe('compressed text, zstd'), dir, 'base.qcow2');
      const middle = join(dir, 'middle.qcow2');
      const file = join(dir, 'image.qcow2');
      qemuImgOrThrow(['create', '-q', '-f', 'qcow2', '-b', base, '-F', 'qcow2', middle]);
      qemuIo(['-c', 'write -P 3 1M 200k', middle]);
      qemuImgOrThrow(['create', '-q', '-f', 'qcow2', '-b', middle, '-F', 'qcow2', file, '6M']);
      qemuIo(['-c', 'write -P 4 100k 300', '-c', 'write -z 3M 64k', file]);
      for (const format of ['qcow2', 'raw'] as const) {
        const theirs = join(dir, 'theirs');
        qemuImgOrThrow(['convert', '-f', 'qcow2', '-O', format, file, theirs]);
        const mine = join(dir, 'mine');
        const planned = await rewriteFile(file, { kind: 'flatten', format, compressed: 'unpack' }, mine);
        expect(readFileSync(mine).equals(readFileSync(theirs)), format).toBe(true);
        expect(planned.after.length).toBe(statSync(mine).size);
      }
      // The overlay packs with zlib, its base with zstd: what cannot come along is unpacked.
      const mine = join(dir, 'kept.qcow2');
      const planned = await rewriteFile(file, { kind: 'flatten', format: 'qcow2' }, mine);
      expect(planned.facts.map(({ label }) => label)).toContain('Compressed clusters unpacked');
      expect(qemuImg(['compare', mine, file]).code).toBe(0);
    });
  });

  test('a data file comes into the image', async () => {
    await withTempDirAsync(async (dir) => {
      const file = makeImage(recipe('data file'), dir);
      const mine = join(dir, 'mine.qcow2');
      await rewriteFile(file, { kind: 'flatten', format: 'qcow2' }, mine);
      expectSound(mine);
      expect(qemuImg(['compare', mine, file]).code).toBe(0);
      expect(imageInfo(mine)['format-specific']?.data).not.toHaveProperty('data-file');
    });
  });

  test.each(['qcow2', 'raw'] as const)('one snapshot as a %s image of its own', async (format) => {
    await withTempDirAsync(async (dir) => {
      const file = makeImage(recipe('snapshots'), dir);
      const theirs = join(dir, 'theirs');
      qemuImgOrThrow(['convert', '-f', 'qcow2', '-l', 'snapshot.name=a', '-O', format, file, theirs]);
      const mine = join(dir, 'mine');
      await rewriteFile(file, { kind: 'snapshot-extract', snapshot: { id: '1', name: 'a' }, format }, mine);
      expect(readFileSync(mine).equals(readFileSync(theirs))).toBe(true);
    });
  });

  test('memory is bounded: too much that stands nowhere else is refused', async () => {
    await withTempDirAsync(async (dir) => {
      const file = makeImage(recipe('snapshots'), dir);
      const compacting = rewriteFile(file, { kind: 'flatten', format: 'qcow2' }, join(dir, 'mine'), {
        mostOwn: 100_000,
      });
      await expect(compacting).rejects.toThrow(/more than memory is to hold/);
    });
  });
});
