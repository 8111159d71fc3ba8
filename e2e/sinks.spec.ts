/** Every sink saves, and what arrives on the disk is what qemu-img would have made. */
import { join } from 'node:path';
import { type Download, expect, type Page } from '@playwright/test';
import type { SaveOrder, SaveReport, Sink } from '../src/worker/engine-client.ts';
import { fakePicker, listPrivateFiles, openHarness, order, save, takePrivateFile, test } from './support/harness.ts';
import { expectSameImage, gunzip, layoutDigestOf, makeReference, sha256Of } from './support/oracle.ts';

const MiB = 1024 * 1024;

async function saved(page: Page, what: SaveOrder): Promise<SaveReport> {
  const outcome = await save(page, what);
  expect(outcome).not.toHaveProperty('failure');
  if (!('report' in outcome)) throw new Error('unreachable');
  return outcome.report;
}

/** Saves through a sink that ends as a browser download. */
async function savedAsDownload(page: Page, what: SaveOrder, folder: string): Promise<[SaveReport, string]> {
  const begins = page.waitForEvent('download');
  const report = await saved(page, what);
  const download = await begins;
  expect(await download.failure()).toBeNull();
  const path = join(folder, download.suggestedFilename());
  await download.saveAs(path);
  return [report, path];
}

function expectReport(report: SaveReport, sink: Sink, path: string): void {
  expect(report.files).toHaveLength(1);
  const [file] = report.files;
  expect(file?.sink).toBe(sink);
  expect(file?.sha256).toBe(sha256Of(path));
  expect(file?.layoutDigest).toBe(layoutDigestOf(path));
  // Raw has nothing to check; a streamed file cannot be read back.
  const sound = { verdict: 'sound', findings: [], read: sink === 'stream' ? 'sent' : 'file' };
  expect(report.check).toEqual(path.endsWith('.img') ? undefined : sound);
}

const blank = order({ size: '32G' });
/** Really written: tables, then zeros. */
const full = order({ size: '150M', preallocation: 'full' });
/** Tables 2 MiB apart, holes between. */
const sparse = order({ size: '250M', preallocation: 'metadata', cluster_size: '4096' });

test('blob: a blank image, with its digests', async ({ page, folder }) => {
  await openHarness(page);
  const [report, path] = await savedAsDownload(page, blank, folder);
  expectSameImage(path, makeReference(blank, join(folder, 'reference'), folder), 'qcow2');
  expectReport(report, 'blob', path);
});

for (const [name, what] of [
  ['sparse tables', sparse],
  ['everything written', full],
  ['tables of 512 bytes with small gaps', order({ size: '70M', preallocation: 'metadata', cluster_size: '512' })],
  ['raw, one hole', order({ size: '300M' }, { format: 'raw', fileName: 'disk.img' })],
] as const) {
  test(`picked: ${name}`, async ({ page, folder }) => {
    await fakePicker(page);
    await openHarness(page);
    const report = await saved(page, what);
    const path = join(folder, what.fileName);
    await takePrivateFile(page, what.fileName, path);
    expectSameImage(path, makeReference(what, join(folder, 'reference'), folder), what.format);
    expectReport(report, 'picked', path);
    expect(report.files[0]?.length).toBeGreaterThan(64 * MiB);
  });

  test(`stream: ${name}`, async ({ page, folder }) => {
    await openHarness(page, '?without=picked');
    const [report, path] = await savedAsDownload(page, what, folder);
    expectSameImage(path, makeReference(what, join(folder, 'reference'), folder), what.format);
    expectReport(report, 'stream', path);
    expect(await listPrivateFiles(page)).toEqual([]);
  });

  test(`opfs: ${name}`, async ({ page, folder }) => {
    await openHarness(page, '?without=picked,stream');
    const [report, path] = await savedAsDownload(page, what, folder);
    expectSameImage(path, makeReference(what, join(folder, 'reference'), folder), what.format);
    expectReport(report, 'opfs', path);
  });
}

test('gzip through every sink', async ({ page, folder }) => {
  await fakePicker(page);
  const raw = order({ size: '100M' }, { format: 'raw', fileName: 'disk.img', gzip: true });
  const reference = makeReference(raw, join(folder, 'reference'), folder);
  for (const [sink, query] of [
    ['picked', ''],
    ['stream', '?without=picked'],
    ['opfs', '?without=picked,stream'],
  ] as const) {
    await openHarness(page, query);
    const path = join(folder, 'disk.img.gz');
    let report: SaveReport;
    if (sink === 'picked') {
      report = await saved(page, raw);
      await takePrivateFile(page, 'disk.img.gz', path);
    } else [report] = await savedAsDownload(page, raw, folder);
    expect(report.files[0]).toMatchObject({ name: 'disk.img.gz', sink, sha256: sha256Of(path) });
    expect(report.files[0]?.length).toBeLessThan(MiB);
    expect(report.files[0]?.layoutDigest).toBe(layoutDigestOf(reference));
    expectSameImage(gunzip(path), reference, 'raw');
  }
  const small = { ...full, texts: { size: '32M', preallocation: 'falloc' }, gzip: true };
  const [report, path] = await savedAsDownload(page, small, folder);
  expect(report.files[0]).toMatchObject({ name: 'disk.qcow2.gz', sink: 'blob' });
  expectSameImage(gunzip(path), makeReference(small, join(folder, 'reference2'), folder), 'qcow2');
});

test('an image with a data file: two files, each through its own sink', async ({ page, folder }) => {
  const what = order({ size: '100M', data_file: 'guest.raw', data_file_raw: 'on' });
  const downloads: Download[] = [];
  page.on('download', (download) => downloads.push(download));
  await openHarness(page, '?without=picked');
  const report = await saved(page, what);
  expect(report.files.map(({ name, sink }) => [name, sink])).toEqual([
    ['disk.qcow2', 'blob'],
    ['guest.raw', 'stream'],
  ]);
  await expect.poll(() => downloads.length).toBe(2);
  for (const download of downloads) await download.saveAs(join(folder, download.suggestedFilename()));
  makeReference(what, 'reference', folder);
  expectSameImage(join(folder, 'disk.qcow2'), join(folder, 'reference'), 'qcow2');
  expect(report.files[1]?.sha256).toBe(sha256Of(join(folder, 'guest.raw')));
});

test('a name beyond ASCII survives the stream', async ({ page, folder }) => {
  await openHarness(page, '?without=picked');
  const what = order({ size: '80M' }, { format: 'raw', fileName: 'Gäste "дис%к".img' });
  const [, path] = await savedAsDownload(page, what, folder);
  expect(path).toMatch(/Gäste .*дис%к.*\.img$/);
});
