/**
 * Sources of every kind through every sink: what is not compressed is qemu-img's file byte for byte, what is
 * compressed holds the same disk, checks clean and is as small.
 */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from '@playwright/test';
import { makeImage, recipes } from '../src/testing/oracle/qcow2-recipes.ts';
import { qemuImgOrThrow, qemuIo } from '../src/testing/oracle/qemu-tools.ts';
import type { Sink } from '../src/worker/engine-client.ts';
import { convert, converted, expectSameDisk, expectSameFile, give, mixedDisk } from './support/convert.ts';
import { fakePicker, listPrivateFiles, openHarness, test } from './support/harness.ts';

const SINKS: readonly Sink[] = ['blob', 'picked', 'stream', 'opfs'];

const listOf = (texts: Readonly<Record<string, string>>): string[] => {
  const list = Object.entries(texts).map(([name, value]) => `${name}=${value}`);
  return list.length > 0 ? ['-o', list.join(',')] : [];
};

test.beforeEach(async ({ page }) => {
  await fakePicker(page);
  await openHarness(page);
});

const kinds = [
  'written here and there',
  'zero clusters',
  'extended L2',
  'snapshots',
  'version 2',
  'metadata with table growth',
  'compressed, then overwritten',
  'compressed text, zstd',
  'compressed text, extended L2',
  'empty disk',
];

for (const [i, name] of kinds.entries()) {
  test(`qcow2, ${name}`, async ({ page, folder }) => {
    const recipe = recipes.find((one) => one.name === name);
    if (!recipe) throw new Error(`no recipe "${name}"`);
    const source = makeImage(recipe, folder, 'source.qcow2');
    await give(page, 'source', [source]);
    for (const [j, [format, texts]] of (
      [
        ['raw', {}],
        ['qcow2', {}],
        ['qcow2', { cluster_size: '4k' }],
      ] as const
    ).entries()) {
      const sink = SINKS[(i + j) % SINKS.length] as Sink;
      const [, mine] = await converted(page, { format, texts, fileName: `${j}-mine`, sink }, folder);
      const theirs = join(folder, `${j}-theirs`);
      qemuImgOrThrow(['convert', '-f', 'qcow2', '-O', format, ...listOf(texts), source, theirs]);
      expectSameFile(mine, theirs);
    }
  });
}

const options: Readonly<Record<string, string>>[] = [
  { cluster_size: '512' },
  { cluster_size: '1k', refcount_bits: '64' },
  { cluster_size: '2M' },
  { compat: '0.10' },
  { extended_l2: 'on', cluster_size: '16k' },
  { preallocation: 'metadata' },
  { preallocation: 'full' },
];

for (const sink of SINKS) {
  test(`options of the new image, ${sink}`, async ({ page, folder }) => {
    const source = mixedDisk(join(folder, 'mixed.raw'), 20_011);
    await give(page, 'source', [source]);
    for (const [i, texts] of options.entries()) {
      const [, mine] = await converted(page, { format: 'qcow2', texts, fileName: `${i}-mine`, sink }, folder);
      const theirs = join(folder, `${i}-theirs`);
      qemuImgOrThrow(['convert', '-f', 'raw', '-O', 'qcow2', ...listOf(texts), source, theirs]);
      expectSameFile(mine, theirs);
    }
    expect(await listPrivateFiles(page)).toHaveLength(sink === 'opfs' ? options.length : 0);
  });

  test(`compressed, ${sink}`, async ({ page, folder }) => {
    const source = mixedDisk(join(folder, 'mixed.raw'), 60_011, 7);
    await give(page, 'source', [source]);
    const all: Readonly<Record<string, string>>[] = [
      {},
      { cluster_size: '4k' },
      { cluster_size: '2M', extended_l2: 'on' },
    ];
    for (const [i, texts] of all.entries()) {
      const wish = { format: 'qcow2', texts, fileName: `${i}-mine`, sink, compress: { level: 6 } };
      const [report, mine] = await converted(page, wish, folder);
      const theirs = join(folder, `${i}-theirs`);
      qemuImgOrThrow(['convert', '-c', '-f', 'raw', '-O', 'qcow2', ...listOf(texts), source, theirs]);
      expectSameDisk(mine, 'qcow2', source, 'raw');
      expect(statSync(mine).size).toBeLessThanOrEqual(statSync(theirs).size * 1.01 + 1024);
      expect(report.packed?.to).toBeLessThan(report.packed?.from ?? 0);
      expect(report.passes).toBe(sink === 'stream' ? 'staged' : 'one');
    }
  });
}

test('compressed twice where there is no storage', async ({ page, folder }) => {
  await openHarness(page, '?without=picked,opfs');
  // Noise between texts: what is compressed later goes back to where the texts ended.
  const source = mixedDisk(join(folder, 'mixed.raw'), 150_000, 99);
  await give(page, 'source', [source]);
  const wish = { format: 'qcow2', texts: {}, fileName: 'mine', sink: 'stream', compress: { level: 3 } } as const;
  const [report, mine] = await converted(page, wish, folder);
  expect(report.passes).toBe('packed-twice');
  expectSameDisk(mine, 'qcow2', source, 'raw');
});

test('a chain, onto a backing file, and one of its snapshots', async ({ page, folder }) => {
  const create = (...args: string[]) => qemuImgOrThrow(['create', '-q', '-f', 'qcow2', ...args], { cwd: folder });
  const io = (file: string, ...commands: string[]) =>
    expect(qemuIo(['-f', 'qcow2', ...commands.flatMap((one) => ['-c', one]), file], { cwd: folder }).code).toBe(0);
  create('-o', 'cluster_size=4k', 'base.qcow2', '3M');
  io('base.qcow2', 'write -P 1 0 1M', 'write -P 2 2M 900k', 'write -z 64k 64k');
  create('-b', 'base.qcow2', '-F', 'qcow2', 'top.qcow2', '5M');
  io('top.qcow2', 'write -P 3 100k 20k', 'write -P 4 4M 200k', 'write -z 2M 128k');
  qemuImgOrThrow(['snapshot', '-c', 'before', 'top.qcow2'], { cwd: folder });
  io('top.qcow2', 'write -P 7 0 500k');
  const [top, base] = [join(folder, 'top.qcow2'), join(folder, 'base.qcow2')];
  await give(page, 'source', [top, base]);
  await give(page, 'base', [base]);
  const backed = { backing_file: 'base.qcow2', backing_fmt: 'qcow2' };
  for (const [i, sink] of SINKS.entries()) {
    const wish = { format: 'qcow2', texts: backed, backingInput: 'base', fileName: `${i}-mine`, sink };
    const [, mine] = await converted(page, wish, folder);
    const theirs = join(folder, `${i}-theirs`);
    qemuImgOrThrow(['convert', '-O', 'qcow2', '-B', 'base.qcow2', '-F', 'qcow2', top, theirs], { cwd: folder });
    expectSameFile(mine, theirs);
  }
  const wish = { format: 'raw', texts: {}, snapshot: { name: 'before' }, fileName: 'snap', sink: 'stream' } as const;
  const [, mine] = await converted(page, wish, folder);
  qemuImgOrThrow(['convert', '-O', 'raw', '-l', 'before', top, 'theirs'], { cwd: folder });
  expectSameFile(mine, join(folder, 'theirs'));
});

test('several disks, one behind the other; -S', async ({ page, folder }) => {
  const [a, b] = [mixedDisk(join(folder, 'a.raw'), 5001), mixedDisk(join(folder, 'b.raw'), 777, 5)];
  await give(page, 'source', [a]);
  await give(page, 'second', [b]);
  const inputs = ['source', 'second', 'source'];
  for (const [i, least] of [4096, 0, 65536].entries()) {
    const sink = SINKS[i] as Sink;
    const wish = { format: 'qcow2', texts: {}, leastZeros: least, inputs, fileName: `${i}-mine`, sink };
    const [, mine] = await converted(page, wish, folder);
    const theirs = join(folder, `${i}-theirs`);
    qemuImgOrThrow(['convert', '-f', 'raw', '-O', 'qcow2', '-S', `${least}`, a, b, a, theirs]);
    expectSameFile(mine, theirs);
  }
});

test('an image with a data file: two files', async ({ page, folder }) => {
  const source = mixedDisk(join(folder, 'mixed.raw'), 300_000);
  await give(page, 'source', [source]);
  const texts = { data_file: 'data.raw', data_file_raw: 'on' };
  const downloads: import('@playwright/test').Download[] = [];
  page.on('download', (download) => downloads.push(download));
  const outcome = await convert(page, { format: 'qcow2', texts, fileName: 'mine', sink: 'stream' });
  expect(outcome).toMatchObject({ report: { files: [{ role: 'image' }, { role: 'data', name: 'data.raw' }] } });
  await expect.poll(() => downloads.length).toBe(2);
  for (const download of downloads) await download.saveAs(join(folder, `${download.suggestedFilename()}.saved`));
  qemuImgOrThrow(
    ['convert', '-f', 'raw', '-O', 'qcow2', '-o', 'data_file=data.raw,data_file_raw=on', source, 'theirs'],
    { cwd: folder },
  );
  expectSameFile(join(folder, 'mine.saved'), join(folder, 'theirs'));
  expectSameFile(join(folder, 'data.raw.saved'), join(folder, 'data.raw'));
});
