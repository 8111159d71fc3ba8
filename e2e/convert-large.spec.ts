/**
 * A sparse source of more than 4 GiB through every sink: memory stays flat, and the disk is the same. What goes wrong
 * or is ended leaves nothing that looks whole.
 */
import {
  closeSync,
  ftruncateSync,
  openSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { type Download, expect, type Page } from '@playwright/test';
import { qemuImgOrThrow } from '../src/testing/oracle/qemu-tools.ts';
import { convert, expectSameDisk, expectSameFile, give, mixedDisk } from './support/convert.ts';
import { recordingOf, recordWritables } from './support/fake-writable.ts';
import {
  fakePicker,
  listPrivateFiles,
  openHarness,
  removePrivateFile,
  takePrivateFile,
  test,
} from './support/harness.ts';
import { watchMemory } from './support/memory.ts';

const MiB = 1024 * 1024;
const GiB = 1024 * MiB;

/** 4.5 GiB with data here and there. */
function sparseDisk(path: string): string {
  const file = openSync(path, 'w');
  ftruncateSync(file, 4.5 * GiB);
  const bytes = Buffer.alloc(8 * MiB);
  for (let at = 0; at < 4.5 * GiB; at += 256 * MiB) {
    for (let i = 0; i < bytes.length; i += 4) bytes.writeUInt32LE(Math.imul(i + at / MiB, 2654435761) >>> (i % 7), i);
    writeSync(file, bytes, 0, bytes.length, at + 100_000);
  }
  closeSync(file);
  return path;
}

async function oneLarge(page: Page, download: Promise<Download> | undefined, fileName: string, path: string) {
  if (!download) return await takePrivateFile(page, fileName, path);
  const arrived = await download;
  expect(await arrived.failure()).toBeNull();
  await arrived.saveAs(path);
}

for (const [sink, format] of [
  ['picked', 'qcow2'],
  ['stream', 'qcow2'],
  ['opfs', 'qcow2'],
  ['picked', 'raw'],
] as const) {
  test(`4.5 GiB, sparse, to ${format} through ${sink}: memory flat, the same disk`, async ({
    page,
    context,
    folder,
  }) => {
    await fakePicker(page);
    await openHarness(page);
    const source = sparseDisk(join(folder, 'source.raw'));
    await give(page, 'source', [source]);
    const memory = await watchMemory(context, page);
    const download = sink === 'picked' ? undefined : page.waitForEvent('download');
    const outcome = await convert(page, { format, texts: {}, fileName: 'mine', sink });
    const growth = await memory.stop();
    expect(outcome).not.toHaveProperty('failure');
    expect(growth).toBeLessThan(256 * MiB);
    const mine = join(folder, 'mine');
    if (format === 'raw') {
      expect(outcome).toMatchObject({ report: { files: [{ length: 4.5 * GiB }] } });
      await removePrivateFile(page, 'mine');
      return;
    }
    await oneLarge(page, download, 'mine', mine);
    const theirs = join(folder, 'theirs');
    qemuImgOrThrow(['convert', '-f', 'raw', '-O', 'qcow2', source, theirs]);
    expectSameFile(mine, theirs);
  });
}

test('a terabyte of tables: to a picked file as far as memory is concerned', async ({ page, context, folder }) => {
  await fakePicker(page);
  await openHarness(page);
  const source = join(folder, 'source.qcow2');
  qemuImgOrThrow(['create', '-q', '-f', 'qcow2', '-o', 'preallocation=metadata', source, '512G']);
  await give(page, 'source', [source]);
  const converter = convert(page, { format: 'qcow2', texts: {}, fileName: 'warm', sink: 'picked', leastZeros: 4096 });
  await page.waitForFunction(() => window.harness.progress?.phase === 'Converting');
  await page.evaluate(() => window.harness.cancel());
  expect(await converter).toMatchObject({ failure: { kind: 'cancelled' } });
  await recordWritables(page);
  const memory = await watchMemory(context, page);
  const texts = { preallocation: 'metadata', size: '512G' };
  const empty = join(folder, 'empty.qcow2');
  qemuImgOrThrow(['create', '-q', '-f', 'qcow2', empty, '512G']);
  await give(page, 'source', [empty]);
  const { size: _size, ...options } = texts;
  const outcome = await convert(page, { format: 'qcow2', texts: options, fileName: 'disk.qcow2', sink: 'picked' });
  const growth = await memory.stop();
  await removePrivateFile(page, 'disk.qcow2');
  expect(outcome).not.toHaveProperty('failure');
  const recording = await recordingOf(page);
  expect(recording?.truncatedTo).toBe(statSync(source).size);
  expect(growth).toBeLessThan(256 * MiB);
});

test('cancelled half-way at once (the goal is 200 ms), nothing is left', async ({ page, folder }) => {
  await fakePicker(page);
  await openHarness(page);
  const source = mixedDisk(join(folder, 'mixed.raw'), 400_000);
  await give(page, 'source', [source]);
  let downloads = 0;
  page.on('download', (one) => one.failure().then((failure) => failure === null && downloads++));
  for (const sink of ['picked', 'stream', 'opfs'] as const) {
    for (const compress of [undefined, { level: 9 }]) {
      // The machine of the tests is shared: the best of a few, and the limit has some room.
      let best = Number.POSITIVE_INFINITY;
      for (let tries = 0; tries < 3 && best > 200; tries++) {
        const wish = { format: 'qcow2', texts: {}, fileName: 'mine', sink, cancelAt: 4 * MiB };
        const outcome = await convert(page, compress ? { ...wish, compress } : wish);
        expect(outcome).toMatchObject({ failure: { kind: 'cancelled' } });
        best = Math.min(best, await page.evaluate(() => window.harness.cancelTook));
      }
      expect(best, `${sink}${compress ? ', compressed' : ''}`).toBeLessThan(400);
      expect(await listPrivateFiles(page)).toEqual([]);
    }
  }
  expect(downloads).toBe(0);
});

for (const sink of ['picked', 'stream', 'opfs', 'blob'] as const) {
  test(`a source that is cut or changed meanwhile ends it: ${sink}`, async ({ page, folder }) => {
    await fakePicker(page);
    await openHarness(page);
    let whole = 0;
    page.on('download', (one) => one.failure().then((failure) => failure === null && whole++));
    const source = mixedDisk(join(folder, 'mixed.raw'), sink === 'blob' ? 100_000 : 400_000);
    for (const harm of [
      () => truncateSync(source, 20 * MiB + 300),
      () => utimesSync(source, new Date(), new Date(Date.now() + 5000)),
    ]) {
      await give(page, 'source', [source]);
      await page.evaluate(() => window.harness.client.identify(new File(['x'], 'x')));
      harm();
      const outcome = await convert(page, { format: 'qcow2', texts: {}, fileName: 'mine', sink });
      expect(outcome).toMatchObject({
        failure: { kind: 'io', message: expect.stringMatching(/cannot be read any more|shorter/) },
      });
      expect(await listPrivateFiles(page)).toEqual([]);
      writeFileSync(source, Buffer.alloc(30 * MiB, 'text '));
    }
    expect(whole).toBe(0);
  });
}

test('a full disk, and a write that fails', async ({ page, folder }) => {
  await fakePicker(page);
  await openHarness(page);
  const source = mixedDisk(join(folder, 'mixed.raw'), 300_000);
  await give(page, 'source', [source]);
  // The worker that converts is started by its first job.
  await convert(page, { format: 'raw', texts: {}, fileName: 'warm', sink: 'picked', cancelAt: 1 });
  for (const name of ['QuotaExceededError', 'NotAllowedError']) {
    for (const worker of page.workers()) {
      await worker.evaluate((name) => {
        const scope = globalThis as unknown as { real?: (this: unknown, chunk: unknown) => Promise<void> };
        scope.real ??= FileSystemWritableFileStream.prototype.write as never;
        const { real } = scope;
        let taken = 0;
        FileSystemWritableFileStream.prototype.write = function (this: unknown, chunk: unknown) {
          taken += 4 * 1024 * 1024;
          if (taken > 30 * 1024 * 1024) return Promise.reject(new DOMException('no more', name));
          return real.call(this, chunk);
        } as never;
        const sync = globalThis as unknown as { realSync?: FileSystemSyncAccessHandle['write'] };
        sync.realSync ??= FileSystemSyncAccessHandle.prototype.write;
        const { realSync } = sync;
        FileSystemSyncAccessHandle.prototype.write = function (this: FileSystemSyncAccessHandle, from, at) {
          if ((at?.at ?? 0) > 30 * 1024 * 1024) throw new DOMException('no more', name);
          return realSync.call(this, from, at);
        };
      }, name);
    }
    for (const sink of ['picked', 'opfs'] as const) {
      const outcome = await convert(page, { format: 'qcow2', texts: {}, fileName: 'mine', sink });
      expect(outcome).toMatchObject({ failure: { kind: expect.stringMatching(/^(no-space|io)$/) } });
      expect(await listPrivateFiles(page)).toEqual([]);
    }
  }
});

test('a worker that compresses and is lost ends the job, and the next one has others', async ({ page, folder }) => {
  await fakePicker(page);
  await openHarness(page);
  const source = mixedDisk(join(folder, 'mixed.raw'), 200_000);
  await give(page, 'source', [source]);
  const wish = { format: 'qcow2', texts: {}, fileName: 'mine', sink: 'picked', compress: { level: 9 } } as const;
  const converting = convert(page, wish);
  await page.waitForFunction(
    () => (window.harness.progress?.done ?? 0) > 0 && window.harness.progress?.phase === 'Converting',
  );
  for (const worker of page.workers().filter((one) => one.url().includes('packer'))) {
    await worker
      .evaluate(() =>
        setTimeout(() => {
          throw new Error('lost');
        }),
      )
      .catch(() => {});
  }
  expect(await converting).toMatchObject({ failure: { kind: 'io', message: expect.stringContaining('compresses') } });
  expect(await listPrivateFiles(page)).toEqual([]);
  expect(await convert(page, { ...wish, compress: { level: 1 } })).toHaveProperty('report');
  await takePrivateFile(page, 'mine', join(folder, 'mine'));
  expectSameDisk(join(folder, 'mine'), 'qcow2', source, 'raw');
});

test('what cannot be made is refused before anything is made', async ({ page, folder }) => {
  await fakePicker(page);
  await openHarness(page);
  await give(page, 'source', [mixedDisk(join(folder, 'mixed.raw'), 2000)]);
  const wish = { format: 'qcow2', texts: {}, fileName: 'mine', sink: 'picked' } as const;
  for (const [more, words] of [
    [{ texts: { compression_type: 'zstd' }, compress: { level: 6 } }, /zstd cannot be written/],
    [{ format: 'raw', compress: { level: 6 } }, /nothing in it is compressed/],
    [{ texts: { preallocation: 'full' }, compress: { level: 6 } }, /no space in advance/],
    [{ texts: { backing_file: 'b', backing_fmt: 'raw' } }, /is not here/],
    [{ texts: { cluster_size: '777' } }, /./],
    [{ snapshot: { name: 'a' } }, /no snapshots/],
    [{ format: 'vmdk' }, /cannot be made/],
  ] as const) {
    const outcome = await convert(page, { ...wish, ...more });
    expect(outcome).toMatchObject({ failure: { message: expect.stringMatching(words) } });
  }
  expect(await page.evaluate(() => Reflect.get(window, 'picks'))).toBeUndefined();
  expect(await listPrivateFiles(page)).toEqual([]);
});
