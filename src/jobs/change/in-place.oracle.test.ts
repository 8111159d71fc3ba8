/** Changes on an overlay, against qemu-img: the file put together from it has the bytes that qemu-img leaves. */
import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { changeFile, rewriteFile } from '../../testing/change.ts';
import { makeImage, type Recipe, recipes } from '../../testing/oracle/qcow2-recipes.ts';
import { imageInfo, qemuImg, qemuImgOrThrow, qemuIo } from '../../testing/oracle/qemu-tools.ts';
import { withTempDirAsync } from '../../testing/oracle/temp-dir.ts';
import type { ChangeInPlace } from './change.ts';

const recipe = (name: string): Recipe => recipes.find((one) => one.name === name) as Recipe;

/** Carries a change out, and lets qemu-img do the same to a copy; the dropped file must stay what it was. */
async function expectSame(dir: string, file: string, change: ChangeInPlace, theirs: readonly string[], fresh?: string) {
  const before = readFileSync(file);
  const copy = `${file}.theirs`;
  copyFileSync(file, copy);
  qemuImgOrThrow(
    [...theirs, ...(theirs[0] === 'resize' ? [] : [copy])].map((word) => (word === 'FILE' ? copy : word)),
    {
      cwd: dir,
    },
  );
  const result = join(dir, 'result.qcow2');
  const planned = await changeFile(file, change, result, fresh === undefined ? {} : { fresh });
  expect(readFileSync(file).equals(before), 'the dropped file is what it was').toBe(true);
  expect(planned.after.length).toBe(readFileSync(result).length);
  expect(readFileSync(result).equals(readFileSync(copy)), `${theirs.join(' ')}: bytes`).toBe(true);
  return planned;
}

describe('resize', () => {
  const cases: readonly [string, string, ChangeInPlace, readonly string[]][] = [
    ['grown', 'blank', { kind: 'resize', size: 200 * 2 ** 30 }, ['resize', 'FILE', '200G']],
    ['shrunk', 'snapshots', { kind: 'resize', size: 2 ** 20, shrink: true }, ['resize', '--shrink', 'FILE', '1M']],
    [
      'grown with preallocation',
      'zero clusters',
      { kind: 'resize', size: 2 ** 24, preallocation: 'metadata' },
      ['resize', '--preallocation=metadata', 'FILE', '16M'],
    ],
    [
      'grown in full',
      'written here and there',
      { kind: 'resize', size: 2 ** 27, preallocation: 'full' },
      ['resize', '--preallocation=full', 'FILE', '128M'],
    ],
    ['with bitmaps', 'bitmaps', { kind: 'resize', size: 2 ** 25 }, ['resize', 'FILE', '32M']],
  ];
  test.each(cases)('%s', async (_what, name, change, theirs) => {
    await withTempDirAsync(async (dir) => {
      const planned = await expectSame(dir, makeImage(recipe(name), dir), change, theirs);
      expect(planned.after.virtualSize).toBe(change.kind === 'resize' ? change.size : 0);
    });
  });

  test('over a longer backing image what is new reads as zeros', async () => {
    await withTempDirAsync(async (dir) => {
      const base = makeImage(recipe('written here and there'), dir, 'base.qcow2');
      const file = join(dir, 'image.qcow2');
      qemuImgOrThrow(['create', '-q', '-f', 'qcow2', '-b', base, '-F', 'qcow2', file, '1M']);
      await expectSame(dir, file, { kind: 'resize', size: 2 ** 26 }, ['resize', 'FILE', '64M']);
    });
  });

  test('a smaller disk is refused unless it is asked for', async () => {
    await withTempDirAsync(async (dir) => {
      const file = makeImage(recipe('blank'), dir);
      const smaller = changeFile(file, { kind: 'resize', size: 2 ** 20 }, join(dir, 'result.qcow2'));
      await expect(smaller).rejects.toThrow(/would be lost/);
    });
  });
});

describe('snapshots', () => {
  const b = { id: '2', name: 'b' };
  test('applied', async () => {
    await withTempDirAsync(async (dir) => {
      const file = makeImage(recipe('snapshots'), dir);
      await expectSame(dir, file, { kind: 'snapshot-apply', snapshot: b }, ['snapshot', '-a', 'b']);
    });
  });

  test('deleted', async () => {
    await withTempDirAsync(async (dir) => {
      const file = makeImage(recipe('snapshots'), dir);
      const planned = await expectSame(dir, file, { kind: 'snapshot-delete', snapshot: b }, ['snapshot', '-d', 'b']);
      expect(planned.facts).toContainEqual({ label: 'Snapshots', before: '2', after: '1' });
    });
  });

  test('made', async () => {
    await withTempDirAsync(async (dir) => {
      const file = makeImage(recipe('snapshots'), dir);
      const copy = join(dir, 'theirs.qcow2');
      copyFileSync(file, copy);
      qemuImgOrThrow(['snapshot', '-c', 'c', copy]);
      const { snapshots } = imageInfo(copy) as unknown as { snapshots: Record<string, number>[] };
      const now = { seconds: snapshots[2]?.['date-sec'] ?? 0, nanoseconds: snapshots[2]?.['date-nsec'] ?? 0 };
      const result = join(dir, 'result.qcow2');
      await changeFile(file, { kind: 'snapshot-create', name: 'c' }, result, { now });
      expect(readFileSync(result).equals(readFileSync(copy))).toBe(true);
    });
  });
});

describe('amend', () => {
  const cases: readonly [string, ChangeInPlace, string][] = [
    ['version 2', { kind: 'amend', compat: '1.1', lazyRefcounts: true }, 'compat=1.1,lazy_refcounts=on'],
    ['32-bit refcounts', { kind: 'amend', compat: '0.10', refcountBits: 16 }, 'compat=0.10,refcount_bits=16'],
    ['snapshots', { kind: 'amend', refcountBits: 64 }, 'refcount_bits=64'],
  ];
  test.each(cases)('%s', async (name, change, options) => {
    await withTempDirAsync(async (dir) => {
      await expectSame(dir, makeImage(recipe(name), dir), change, ['amend', '-o', options]);
    });
  });
});

describe('rebase', () => {
  function overlay(dir: string): { file: string; base: string; other: string } {
    const base = makeImage(recipe('written here and there'), dir, 'base.qcow2');
    const other = makeImage(recipe('zero clusters'), dir, 'other.qcow2');
    const file = join(dir, 'image.qcow2');
    qemuImgOrThrow(['create', '-q', '-f', 'qcow2', '-b', base, '-F', 'qcow2', file]);
    qemuIo(['-c', 'write -P 9 300k 40k', file]);
    return { file, base, other };
  }

  test('only the name', async () => {
    await withTempDirAsync(async (dir) => {
      const { file } = overlay(dir);
      const change: ChangeInPlace = { kind: 'rebase', mode: 'unsafe', backing: { name: 'new name', format: 'raw' } };
      await expectSame(dir, file, change, ['rebase', '-u', '-b', 'new name', '-F', 'raw']);
    });
  });

  test('onto another image, data as references', async () => {
    await withTempDirAsync(async (dir) => {
      const { file, other } = overlay(dir);
      const change: ChangeInPlace = { kind: 'rebase', mode: 'safe', backing: { name: other, format: 'qcow2' } };
      await expectSame(dir, file, change, ['rebase', '-b', other, '-F', 'qcow2'], other);
    });
  });

  test('what is copied stays where it is, also where parts of clusters are', async () => {
    await withTempDirAsync(async (dir) => {
      for (const options of ['cluster_size=64k', 'extended_l2=on']) {
        const base = join(dir, 'base.qcow2');
        const file = join(dir, 'image.qcow2');
        qemuImgOrThrow(['create', '-q', '-f', 'qcow2', base, '16M']);
        const noise = makeImage({ name: 'noise', size: '16M', steps: ['noise 0 1M'] }, dir, 'noise.qcow2');
        qemuImgOrThrow(['convert', '-O', 'qcow2', noise, base]);
        const pieces = Array.from({ length: 150 }, (_, i) => [
          '-c',
          `write -P ${(i % 9) + 1} ${i * 98_304 + 20_480} 9k`,
        ]);
        qemuIo([...pieces.flat(), base]);
        qemuImgOrThrow(['create', '-q', '-f', 'qcow2', '-o', options, '-b', base, '-F', 'qcow2', file]);
        const theirs = join(dir, 'theirs.qcow2');
        copyFileSync(file, theirs);
        qemuImgOrThrow(['rebase', '-b', '', theirs]);
        const result = join(dir, 'result.qcow2');
        // Kept as bytes it would be ten times as much.
        await changeFile(file, { kind: 'rebase', mode: 'safe' }, result, { mostOwn: 700_000 });
        expect(readFileSync(result).equals(readFileSync(theirs)), options).toBe(true);
      }
    });
  });

  test('onto the image below the one that it rests on', async () => {
    await withTempDirAsync(async (dir) => {
      const { file, base } = overlay(dir);
      const upper = join(dir, 'upper.qcow2');
      qemuImgOrThrow(['create', '-q', '-f', 'qcow2', '-b', file, '-F', 'qcow2', upper]);
      qemuIo(['-c', 'write -P 6 5M 64k', upper]);
      const change: ChangeInPlace = { kind: 'rebase', mode: 'safe', backing: { name: base, format: 'qcow2' } };
      await expectSame(dir, upper, change, ['rebase', '-b', base, '-F', 'qcow2'], base);
    });
  });

  test('onto none', async () => {
    await withTempDirAsync(async (dir) => {
      const { file } = overlay(dir);
      await expectSame(dir, file, { kind: 'rebase', mode: 'safe' }, ['rebase', '-b', '']);
    });
  });
});

describe('repair', () => {
  /** Refcount block 0: cluster 5 is counted twice, cluster 4 not at all. */
  function damaged(dir: string): string {
    const file = makeImage(recipe('written here and there'), dir);
    qemuIo(['-f', 'raw', '-c', 'write -P 0 131080 2', '-c', 'write -P 1 131082 1', file]);
    return file;
  }

  test('of everything, as qemu-img repairs it', async () => {
    await withTempDirAsync(async (dir) => {
      const file = damaged(dir);
      const copy = join(dir, 'theirs.qcow2');
      copyFileSync(file, copy);
      qemuImg(['check', '-r', 'all', copy]);
      const result = join(dir, 'result.qcow2');
      const planned = await changeFile(file, { kind: 'repair', mode: 'all' }, result);
      expect(planned.repair?.again).toMatchObject({ corruptions: 0, leaks: 0 });
      expect(qemuImg(['check', result]).code).toBe(0);
      expect(qemuImg(['compare', result, copy]).code).toBe(0);
      expect(planned.unchanged).toBe(false);
    });
  });

  test('of a sound image changes nothing', async () => {
    await withTempDirAsync(async (dir) => {
      const file = makeImage(recipe('snapshots'), dir);
      const result = join(dir, 'result.qcow2');
      const planned = await changeFile(file, { kind: 'repair', mode: 'all' }, result);
      expect(planned).toMatchObject({ unchanged: true, after: { changed: 0 } });
      expect(readFileSync(result).equals(readFileSync(file))).toBe(true);
    });
  });
});

describe('a data file', () => {
  test('is not needed where only tables change, and a change that would rewrite it is refused', async () => {
    await withTempDirAsync(async (dir) => {
      const file = makeImage(recipe('data file'), dir);
      const data = `${file}.data`;
      const copy = join(dir, 'theirs.qcow2');
      copyFileSync(file, copy);
      qemuImgOrThrow(['amend', '-o', 'refcount_bits=32', copy]);
      const result = join(dir, 'result.qcow2');
      await changeFile(file, { kind: 'amend', refcountBits: 32 }, result, { data });
      expect(readFileSync(result).equals(readFileSync(copy))).toBe(true);
      const before = readFileSync(data);
      const larger = changeFile(file, { kind: 'resize', size: 2 ** 24 }, result, { data });
      await expect(larger).rejects.toThrow(/would rewrite the data file/);
      expect(readFileSync(data).equals(before)).toBe(true);
    });
  });
});

test('an encrypted image is resized without its key, and not written anew without encryption', async () => {
  await withTempDirAsync(async (dir) => {
    const file = join(dir, 'image.qcow2');
    // The old encryption derives no key: LUKS would take seconds for that.
    const secret = ['--object', 'secret,id=s,data=x'];
    const aes = ['-o', 'encrypt.format=aes,encrypt.key-secret=s'];
    qemuImgOrThrow(['create', '-q', '-f', 'qcow2', ...secret, ...aes, file, '1G']);
    const copy = join(dir, 'theirs.qcow2');
    copyFileSync(file, copy);
    const options = `driver=qcow2,encrypt.key-secret=s,file.filename=${copy}`;
    qemuImgOrThrow(['resize', ...secret, '--image-opts', options, '8G']);
    const result = join(dir, 'result.qcow2');
    await changeFile(file, { kind: 'resize', size: 2 ** 33 }, result);
    expect(readFileSync(result).equals(readFileSync(copy))).toBe(true);
    await expect(rewriteFile(file, { kind: 'compact' }, result)).rejects.toThrow(/encrypted/);
  });
});
