/** Open, against qemu-img: what the page shows of an image is what info, check and map say of it. */
import {
  createReadStream,
  createWriteStream,
  existsSync,
  openSync,
  readFileSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { expect, type Page } from '@playwright/test';
import { makeImage, recipes } from '../src/testing/oracle/qcow2-recipes.ts';
import { qemuImg, qemuImgOrThrow, qemuIo } from '../src/testing/oracle/qemu-tools.ts';
import { watchMemory } from './support/memory.ts';
import { dropFiles, legendCount, mapComplete, named, openFiles, shownInfo, test } from './support/open-image.ts';

interface MapLine {
  readonly start: number;
  readonly length: number;
  readonly depth: number;
  readonly present: boolean;
  readonly zero: boolean;
  readonly data: boolean;
  readonly offset?: number;
}

const secret = ['--object', 'secret,id=s,data=x'];

function theirInfo(file: string): Record<string, unknown> {
  const info = JSON.parse(qemuImgOrThrow(['info', '--output=json', file]).stdout);
  const { 'actual-size': _size, filename: _name, children: _children, ...rest } = info;
  return rest;
}

/** Rows of the table of the map, as [what, from, where]. */
async function tableRows(page: Page): Promise<string[][]> {
  await expect(named(page, 'Cluster map').locator('tbody tr').first()).toBeVisible();
  return await named(page, 'Cluster map')
    .locator('tbody tr')
    .evaluateAll((rows) => rows.map((row) => [...row.children].map((cell) => cell.textContent ?? '')));
}

/** A row of the page's table for a stretch that qemu-img tells. */
function expectedRow({ start, depth, present, zero, data, offset }: MapLine): string[] {
  const hex = (value: number): string => `0x${value.toString(16)}`;
  const what = !present
    ? 'nothing, reads as zeros'
    : zero
      ? 'zeros'
      : data && offset === undefined
        ? 'compressed'
        : 'data';
  const image = depth === 0 ? 'this image' : `image ${depth} below`;
  return [what, present ? `${image}${offset === undefined ? '' : `, at ${hex(offset)}`}` : '', hex(start)];
}

/**
 * A browser does not tell where a file has holes: what qemu-img finds to be one inside a cluster that is in use counts
 * as the data that it is, and joins its neighbours.
 */
function withoutHoles(map: readonly MapLine[]): MapLine[] {
  const joined: MapLine[] = [];
  for (const line of map) {
    const plain = line.data && line.zero ? { ...line, zero: false } : line;
    const last = joined.at(-1);
    const continues =
      last?.data &&
      plain.data &&
      last.depth === plain.depth &&
      last.offset !== undefined &&
      last.offset + last.length === plain.offset;
    if (continues) joined[joined.length - 1] = { ...last, length: last.length + plain.length };
    else joined.push(plain);
  }
  return joined;
}

async function compareWithOracle(page: Page, file: string): Promise<void> {
  const { filename: _name, ...info } = await shownInfo(page);
  const expected = theirInfo(file);
  expect(info, file).toEqual({
    ...expected,
    ...('full-backing-filename' in expected ? { 'full-backing-filename': expected['backing-filename'] } : {}),
  });
  await mapComplete(page);
  const encrypted = expected['encrypted'] === true;
  const options = encrypted
    ? [...secret, '--image-opts', `driver=qcow2,file.filename=${file},encrypt.key-secret=s`]
    : [file];
  const check = JSON.parse(qemuImg(['check', '--output=json', ...options]).stdout);
  expect(await legendCount(page, 'Leaked'), `${file}: leaked`).toBe(check.leaks ?? 0);
  await page.getByRole('button', { name: 'Check the image' }).click();
  const words = (await named(page, 'Check').locator('.verdict').textContent()) ?? '';
  const corruptions = check.corruptions ?? 0;
  const leaks = check.leaks ?? 0;
  if (corruptions > 0) expect(words).toContain(`${corruptions.toLocaleString('en')} error`);
  else if (leaks > 0) expect(words).toContain(`${leaks.toLocaleString('en')} leaked cluster`);
  else expect(words).toBe('Nothing is wrong');
  const allocated = (check['allocated-clusters'] ?? 0).toLocaleString('en');
  await expect(named(page, 'Check')).toContainText(
    `${allocated} of ${(check['total-clusters'] ?? 0).toLocaleString('en')} clusters`,
  );
  if (encrypted) return;
  const map: readonly MapLine[] = JSON.parse(qemuImgOrThrow(['map', '--output=json', file]).stdout);
  if (map.length === 0 || map[0]?.length === 0) return;
  await page.getByRole('radio', { name: 'Guest disk' }).check({ force: true });
  await page.getByRole('radio', { name: 'Table' }).check({ force: true });
  await expect
    .poll(async () => (await tableRows(page)).map((row) => row.slice(0, 3)))
    .toEqual(withoutHoles(map).slice(0, 100).map(expectedRow));
}

for (const recipe of recipes) {
  test(`shows what qemu-img tells: ${recipe.name}`, async ({ page, folder }) => {
    const file = makeImage(recipe, folder);
    const data = join(folder, 'image.qcow2.data');
    await openFiles(page, existsSync(data) ? [file, data] : [file]);
    await compareWithOracle(page, file);
  });
}

test('a chain dropped at once is read through; a missing file is asked for by name', async ({ page, folder }) => {
  const [base, middle, top] = ['base.raw', 'middle.qcow2', 'top.qcow2'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(base, Buffer.alloc(1024 * 1024, 'B'));
  const cwd = { cwd: folder };
  qemuImgOrThrow(['create', '-q', '-f', 'qcow2', '-F', 'raw', '-b', 'base.raw', 'middle.qcow2'], cwd);
  qemuIo(['-c', 'write -P 77 64k 64k', middle], cwd);
  qemuImgOrThrow(['create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', 'middle.qcow2', 'top.qcow2'], cwd);
  qemuIo(['-c', 'write -P 84 0 512', top], cwd);
  await page.goto('./');
  await dropFiles(page, [base, top, middle]);
  await expect(page.getByRole('heading', { name: 'top.qcow2' })).toBeVisible();
  await compareWithOracle(page, top);
  const bytes = named(page, 'Bytes');
  const letters = bytes.locator('.hex__letters').first();
  await expect(letters).toHaveText(/^T+$/);
  await bytes.getByLabel('Go to byte').fill('64K');
  await bytes.getByLabel('Go to byte').press('Enter');
  await expect(letters).toHaveText(/^M+$/);
  await bytes.getByLabel('Go to byte').fill('0x20000');
  await bytes.getByLabel('Go to byte').press('Enter');
  await expect(letters).toHaveText(/^B+$/);

  await openFiles(page, [top]);
  const trouble = named(page, 'What stands in the way');
  await expect(trouble).toContainText('middle.qcow2');
  await expect(page.getByRole('radio', { name: 'Disk', exact: true }).first()).toBeDisabled();
  await page.getByLabel('Missing file middle.qcow2').setInputFiles(middle);
  await expect(trouble).toContainText('middle.qcow2 reads through base.raw');
  await page.getByLabel('Missing file base.raw').setInputFiles(base);
  await expect(trouble).toBeHidden();
  await expect(named(page, 'Summary')).toContainText('base.raw');
  // The form is as it was.
  await page.getByRole('link', { name: 'Create' }).click();
  await expect(page.getByRole('textbox', { name: 'Command line' })).toHaveValue(
    'qemu-img create -f qcow2 disk.qcow2 32G',
  );
});

test('damage is found, told in words and shown where it is', async ({ page, folder }) => {
  const file = join(folder, 'damaged.qcow2');
  qemuImgOrThrow(['create', '-q', '-f', 'qcow2', file, '1G']);
  qemuIo(['-c', 'write 0 1M', file]);
  const fd = openSync(file, 'r+');
  const head = readFileSync(file).subarray(0, 104);
  const table = Number(head.readBigUInt64BE(48));
  const block = Number(readFileSync(file).readBigUInt64BE(table));
  // One cluster in use counts as free; two unused ones behind the end of the data count as used.
  writeSync(fd, Buffer.from([0, 0]), 0, 2, block + 2 * 6);
  truncateSync(file, 40 * 65536);
  writeSync(fd, Buffer.from([0, 1, 0, 1]), 0, 4, block + 2 * 30);
  await openFiles(page, [file]);
  await compareWithOracle(page, file);
  await expect(named(page, 'Check').getByText('Harmful: ')).toHaveCount(2);
  await page.getByRole('radio', { name: 'Picture' }).check({ force: true });
  await page.getByRole('radio', { name: 'File' }).first().check({ force: true });
  expect(await legendCount(page, 'Contradiction')).toBe(1);
  await named(page, 'Check').getByRole('button', { name: 'Show cluster 30' }).click();
  await expect(named(page, 'Cluster map').locator('.cell')).toContainText('Leaked: counted as used');
});

test('partitions are named, and saved byte for byte', async ({ page, folder }) => {
  const disk = join(folder, 'disk.raw');
  const bytes = Buffer.alloc(8 * 1024 * 1024);
  const entry = (at: number, type: number, first: number, count: number): void => {
    bytes[at + 4] = type;
    bytes.writeUInt32LE(first, at + 8);
    bytes.writeUInt32LE(count, at + 12);
  };
  entry(446, 0x83, 2048, 4096);
  entry(462, 0x0c, 8192, 8192);
  bytes.writeUInt16BE(0x55aa, 510);
  bytes.writeUInt16LE(0xef53, 2048 * 512 + 0x438);
  bytes.write('rootfs', 2048 * 512 + 1024 + 120);
  bytes.fill('p', 2048 * 512 + 100_000, 2048 * 512 + 200_000);
  writeFileSync(disk, bytes);
  const file = join(folder, 'disk.qcow2');
  qemuImgOrThrow(['convert', '-c', '-O', 'qcow2', disk, file]);
  await openFiles(page, [file]);
  const panel = named(page, 'On the disk');
  await expect(panel).toContainText('MBR, 55 aa at 510');
  await expect(panel.getByRole('row').nth(1)).toContainText('ext2 "rootfs"');
  await expect(panel.getByRole('row').nth(2)).toContainText('FAT32');
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    panel.getByRole('button', { name: 'Save partition 1' }).click(),
  ]);
  expect(download.suggestedFilename()).toBe('disk-part1.img');
  const saved = join(folder, 'part');
  await download.saveAs(saved);
  expect(readFileSync(saved).equals(bytes.subarray(2048 * 512, 6144 * 512))).toBe(true);
  await expect(named(page, 'Save a part as a file')).toContainText('disk-part1.img is saved: 2,097,152 bytes');

  // A stretch of the file itself.
  const save = named(page, 'Save a part as a file');
  await save.getByRole('radio', { name: 'File' }).check({ force: true });
  await save.getByLabel('length').fill('112');
  const [head] = await Promise.all([
    page.waitForEvent('download'),
    save.getByRole('button', { name: 'Save', exact: true }).click(),
  ]);
  await head.saveAs(saved);
  expect(readFileSync(saved).equals(readFileSync(file).subarray(0, 112))).toBe(true);

  // The whole disk, and the raw disk out of a gzip file.
  const [whole] = await Promise.all([
    page.waitForEvent('download'),
    save.getByRole('button', { name: 'Save disk.raw' }).click(),
  ]);
  await whole.saveAs(saved);
  expect(readFileSync(saved).equals(bytes)).toBe(true);
  await pipeline(createReadStream(disk), createGzip(), createWriteStream(`${disk}.gz`));
  await openFiles(page, [`${disk}.gz`]);
  await expect(page.getByRole('heading', { name: 'disk.raw', exact: true })).toBeVisible();
  await expect(named(page, 'On the disk').getByRole('row').nth(1)).toContainText('ext2 "rootfs"');
});

test('bytes have names, and lead to each other and to the map', async ({ page, folder }) => {
  const file = join(folder, 'a.qcow2');
  qemuImgOrThrow(['create', '-q', '-f', 'qcow2', file, '10G']);
  qemuIo(['-c', 'write -P 65 1G 64k', file]);
  const [place] = (JSON.parse(qemuImgOrThrow(['map', '--output=json', file]).stdout) as MapLine[]).filter(
    ({ data }) => data,
  );
  await openFiles(page, [file]);
  await mapComplete(page);
  const bytes = named(page, 'Bytes');
  const fields = bytes.getByRole('list', { name: 'Named fields' });
  await expect(fields.getByRole('button', { name: /disk size/ })).toContainText('10 GiB');
  await fields.getByRole('button', { name: /L1 table at/ }).click();
  await bytes.getByRole('button', { name: 'Go to 192 KiB' }).click();
  await fields.getByRole('button', { name: /L1 entry 2/ }).click();
  await bytes.getByRole('button', { name: /^Go to / }).click();
  await fields.getByRole('button', { name: /L2 entry 0/ }).click();
  await bytes.getByRole('button', { name: /^Go to / }).click();
  await expect(bytes.locator('.hex__letters').first()).toHaveText(/^A+$/);
  await expect(bytes.locator('.hex__at').first()).toHaveText(new RegExp(`${place?.offset?.toString(16)}$`));
  const cell = named(page, 'Cluster map').locator('.cell');
  await named(page, 'Cluster map').getByLabel('Go to offset').fill(String(place?.offset));
  await named(page, 'Cluster map').getByLabel('Go to offset').press('Enter');
  await expect(cell).toContainText('Data of the disk. Counted 1×.');
  await cell.getByRole('button', { name: 'Guest 1 GiB' }).click();
  await expect(page.getByRole('radio', { name: 'Guest disk' })).toBeChecked();
  await expect(cell).toContainText(/Data at .* of the file\./);
  await cell.getByRole('button', { name: 'In the file' }).click();
  await cell.getByRole('button', { name: 'Its table entry' }).click();
  await expect(fields.locator('[aria-current="true"]')).toContainText('L2 entry 0');
});

test('a large sparse image opens by its tables alone', async ({ page, folder }) => {
  const file = join(folder, 'sparse.qcow2');
  qemuImgOrThrow(['create', '-q', '-f', 'qcow2', '-o', 'preallocation=metadata', file, '100G']);
  await openFiles(page, [file]);
  await mapComplete(page);
  expect(await legendCount(page, 'Data')).toBe(100 * 2 ** 14);
  const tables =
    (await legendCount(page, 'L2 tables')) +
    (await legendCount(page, 'Refcount blocks')) +
    (await legendCount(page, 'L1'));
  // Tables once, and a window around each of the few looks at header, disk and bytes.
  const most = (tables + 60) * 65536;
  await expect
    .poll(() => page.locator('[data-bytes-read]').getAttribute('data-bytes-read').then(Number))
    .toBeGreaterThan(tables * 65536 - 1);
  expect(Number(await page.locator('[data-bytes-read]').getAttribute('data-bytes-read'))).toBeLessThan(most);
});

test('a hundred gigabytes, hardly used, open in little memory', async ({ page, folder }) => {
  const file = join(folder, 'sparse.qcow2');
  qemuImgOrThrow(['create', '-q', '-f', 'qcow2', file, '100G']);
  for (const at of ['0', '20G', '99G']) qemuIo(['-f', 'qcow2', '-c', `write -P 1 ${at} 1M`, file]);
  await page.goto('./#open');
  await expect(page.getByLabel('Image files')).toBeAttached();
  const memory = await watchMemory(page.context(), page);
  await openFiles(page, [file]);
  await mapComplete(page);
  expect(await memory.stop()).toBeLessThan(100 * 2 ** 20);
  expect(await legendCount(page, 'Data')).toBe(48);
});

test('reading and checking a terabyte can be cancelled, and taken up again', async ({ page, folder }) => {
  const file = join(folder, 'large.qcow2');
  qemuImgOrThrow(['create', '-q', '-f', 'qcow2', '-o', 'preallocation=metadata', file, '1T']);
  await openFiles(page, [file]);
  const map = named(page, 'Cluster map');
  await map.getByRole('button', { name: 'Cancel' }).click();
  await expect(map).toContainText('Not all tables were read.');
  const check = named(page, 'Check');
  await check.getByRole('button', { name: 'Check the image' }).click();
  await check.getByRole('button', { name: 'Cancel' }).click();
  await expect(check).toContainText('Cancelled: nothing is known yet.');
  await map.getByRole('button', { name: 'Read the tables' }).click();
  await mapComplete(page);
  expect(await legendCount(page, 'Data')).toBe(2 ** 24);
});
