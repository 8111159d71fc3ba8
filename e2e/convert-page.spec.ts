/**
 * Convert as a person uses it, on real images: what is saved is compared and checked by qemu-img. By keyboard, narrow,
 * in both themes; cancelled, and with a source that goes away.
 */
import { createHash } from 'node:crypto';
import { closeSync, openSync, readFileSync, statSync, truncateSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import AxeBuilder from '@axe-core/playwright';
import { type Download, expect, type Page } from '@playwright/test';
import { qemuImgOrThrow, qemuIo } from '../src/testing/oracle/qemu-tools.ts';
import { named, openFiles, test } from './support/open-image.ts';

const MiB = 2 ** 20;

/** Without the picker: nobody is here to answer its dialog. */
const ADDRESS = './?without=picked#convert';

const go = (page: Page) => page.getByRole('button', { name: /^(Convert and save|Queue) / });
const card = (page: Page, name: string) => page.locator('.task').filter({ has: page.getByRole('heading', { name }) });

async function choose(page: Page, ...files: string[]): Promise<void> {
  if (!page.url().endsWith('#convert')) await page.goto(ADDRESS);
  await page.getByLabel('Images to convert').first().setInputFiles(files);
}

/** Starts what is chosen and waits for its files. */
async function convert(page: Page, folder: string, count = 1): Promise<string[]> {
  const downloads: Download[] = [];
  const note = (download: Download) => downloads.push(download);
  page.on('download', note);
  await go(page).click();
  await expect(page.locator('[data-state="finished"]')).toHaveCount(count);
  await expect.poll(() => downloads.length).toBe(count);
  page.off('download', note);
  const files: string[] = [];
  for (const download of downloads) {
    const file = join(folder, `saved-${download.suggestedFilename()}`);
    await download.saveAs(file);
    files.push(file);
  }
  return files;
}

function expectSameDisk(source: string, saved: string, formats: readonly [string, string]): void {
  qemuImgOrThrow(['compare', '-f', formats[0], '-F', formats[1], source, saved]);
  if (formats[1] === 'qcow2') qemuImgOrThrow(['check', '-q', '-f', 'qcow2', saved]);
}

/** Compressible data, a stretch of zeros that is allocated, and much that is not. */
function makeDisk(file: string, format: 'raw' | 'qcow2', size = '256M'): string {
  qemuImgOrThrow(['create', '-q', '-f', format, file, size]);
  qemuIo(['-f', format, '-c', 'write -P 65 0 3M', '-c', 'write -P 0 8M 2M', '-c', 'write -P 66 100M 1M', file]);
  return file;
}

test('raw to qcow2 as it is first offered, and a look inside', async ({ page, folder }) => {
  const source = makeDisk(join(folder, 'disk.raw'), 'raw');
  await choose(page, source);
  await expect(page.locator('.commands')).toHaveText('qemu-img convert -f raw -O qcow2 disk.raw disk.qcow2');
  // What is streamed away cannot be read again; what is built here can.
  await page.getByRole('radio', { name: /built here first/ }).check();
  const [saved = ''] = await convert(page, folder);
  expectSameDisk(source, saved, ['raw', 'qcow2']);
  const reference = join(folder, 'reference.qcow2');
  qemuImgOrThrow(['convert', '-f', 'raw', '-O', 'qcow2', source, reference]);
  expect(statSync(saved).size).toBe(statSync(reference).size);
  await expect(card(page, 'disk.qcow2')).toContainText('No errors, no leaks');
  await expect(card(page, 'disk.qcow2')).toContainText(createHash('sha256').update(readFileSync(saved)).digest('hex'));
  await expect(page).toHaveTitle('disk.qcow2 is saved');
  await card(page, 'disk.qcow2').getByRole('button', { name: 'Look inside' }).click();
  await expect(page.getByRole('heading', { name: 'disk.qcow2' })).toBeVisible();
  await expect(named(page, 'Summary')).toContainText('256 MiB');
  await page.getByRole('navigation').getByRole('link', { name: 'Convert' }).click();
  await expect(card(page, 'disk.qcow2')).toBeVisible();
});

test('qcow2 to raw, longer than memory is used for', async ({ page, folder }) => {
  const source = makeDisk(join(folder, 'web.qcow2'), 'qcow2');
  await choose(page, source);
  await page.getByRole('radio', { name: 'dd, cloud' }).check();
  const [saved = ''] = await convert(page, folder);
  expect(statSync(saved).size).toBe(256 * MiB);
  expectSameDisk(source, saved, ['qcow2', 'raw']);
});

test('compressed, with a level and options of its own', async ({ page, folder }) => {
  const source = makeDisk(join(folder, 'web.qcow2'), 'qcow2');
  await choose(page, source);
  await page.getByRole('radio', { name: 'Small download' }).check();
  await page.getByLabel('Level').selectOption('9');
  await page.locator('.page--convert summary', { hasText: /^Layout/ }).click();
  await page.locator('#convert-option-cluster_size').press('ArrowRight');
  await expect(page.locator('.commands')).toHaveText(
    'qemu-img convert -f qcow2 -O qcow2 -c -o cluster_size=128K web.qcow2 web-compressed.qcow2',
  );
  const [saved = ''] = await convert(page, folder);
  expectSameDisk(source, saved, ['qcow2', 'qcow2']);
  expect(statSync(saved).size).toBeLessThan(MiB);
  expect(qemuImgOrThrow(['info', saved]).stdout).toContain('cluster_size: 131072');
  await expect(card(page, 'web-compressed.qcow2')).toContainText(/Compressed to [\d.]+ % of the data/);
});

test('a snapshot', async ({ page, folder }) => {
  const source = makeDisk(join(folder, 'web.qcow2'), 'qcow2');
  qemuImgOrThrow(['snapshot', '-c', 'clean', source]);
  qemuIo(['-f', 'qcow2', '-c', 'write -P 67 0 1M', source]);
  await choose(page, source);
  await page.getByLabel('State').selectOption({ index: 1 });
  const [saved = ''] = await convert(page, folder);
  const reference = join(folder, 'reference.raw');
  qemuImgOrThrow(['convert', '-l', 'clean', '-f', 'qcow2', '-O', 'raw', source, reference]);
  expectSameDisk(reference, saved, ['raw', 'qcow2']);
});

test('a chain of two files: the missing one is asked for, then it is one disk', async ({ page, folder }) => {
  const base = makeDisk(join(folder, 'base.qcow2'), 'qcow2');
  const top = join(folder, 'top.qcow2');
  qemuImgOrThrow(['create', '-q', '-f', 'qcow2', '-b', 'base.qcow2', '-F', 'qcow2', top]);
  qemuIo(['-f', 'qcow2', '-c', 'write -P 70 2M 4M', top]);
  await choose(page, top);
  await page.getByRole('button', { name: 'Settle 1 problem to convert' }).click();
  await expect(page.getByRole('button', { name: 'Add base.qcow2' })).toBeFocused();
  await page.getByLabel('Missing file base.qcow2').setInputFiles(base);
  const [saved = ''] = await convert(page, folder);
  expectSameDisk(top, saved, ['qcow2', 'qcow2']);
  expect(qemuImgOrThrow(['info', saved]).stdout).not.toContain('backing file');
});

test('an overlay stays an overlay when it keeps its backing file', async ({ page, folder }) => {
  const base = makeDisk(join(folder, 'base.qcow2'), 'qcow2');
  const top = join(folder, 'top.qcow2');
  qemuImgOrThrow(['create', '-q', '-f', 'qcow2', '-b', 'base.qcow2', '-F', 'qcow2', top]);
  qemuIo(['-f', 'qcow2', '-c', 'write -P 70 2M 1M', top]);
  await choose(page, top, base);
  await page.locator('.page--convert summary', { hasText: /^Backing file/ }).click();
  await page.locator('#convert-option-backing_file').fill('base.qcow2');
  await page.locator('#convert-option-backing_fmt').fill('qcow2');
  await expect(page.getByText('At hand: base.qcow2.')).toBeVisible();
  const [saved = ''] = await convert(page, folder);
  // It looks for base.qcow2 beside it, and there it is.
  expectSameDisk(top, saved, ['qcow2', 'qcow2']);
  expect(statSync(saved).size).toBeLessThan(2 * MiB);
});

test('from Open, with all its files', async ({ page, folder }) => {
  const base = makeDisk(join(folder, 'base.qcow2'), 'qcow2');
  const top = join(folder, 'top.qcow2');
  qemuImgOrThrow(['create', '-q', '-f', 'qcow2', '-b', 'base.qcow2', '-F', 'qcow2', top]);
  await page.goto('./?without=picked#open');
  await openFiles(page, [top, base]);
  await page.getByRole('button', { name: 'Convert this image' }).click();
  await expect(page.getByRole('listitem', { name: 'top.qcow2' })).toContainText('on base.qcow2');
  const [saved = ''] = await convert(page, folder);
  expectSameDisk(top, saved, ['qcow2', 'qcow2']);
});

test('three in a row; one of them is cancelled with Escape and leaves nothing', async ({ page, folder }) => {
  const sources = ['a', 'c'].map((name) => makeDisk(join(folder, `${name}.raw`), 'raw'));
  // Random data is slow to compress: there is time to stop it.
  const slow = join(folder, 'b.raw');
  truncateSync(makeDisk(slow, 'raw'), 256 * MiB);
  const noise = Buffer.from(Array.from({ length: MiB }, (_, i) => (Math.imul(i, 2654435761) >>> 13) & 255));
  const handle = openSync(slow, 'r+');
  for (let at = 0; at < 192; at++) writeSync(handle, noise, 0, noise.length, at * MiB);
  closeSync(handle);
  await choose(page, sources[0] ?? '', slow, sources[1] ?? '');
  await page.getByRole('radio', { name: 'Small download' }).check();
  const downloads: string[] = [];
  page.on('download', (download) => downloads.push(download.suggestedFilename()));
  await go(page).click();
  await expect(card(page, 'b.qcow2')).toHaveAttribute('data-state', 'running');
  await expect(page).toHaveTitle(/^\d+ % of b\.qcow2 \(2 of 3\)$/);
  await card(page, 'b.qcow2')
    .getByRole('button', { name: /^Cancel/ })
    .focus();
  await page.keyboard.press('Escape');
  await expect(card(page, 'b.qcow2')).toContainText('Cancelled: no file was left behind.');
  await expect(page.getByText('2 saved, 1 cancelled')).toBeVisible();
  await expect.poll(() => downloads.toSorted()).toEqual(['a.qcow2', 'c.qcow2']);
  // It can be tried again.
  await card(page, 'b.qcow2')
    .getByRole('button', { name: /^Try again/ })
    .click();
  await expect(go(page)).toHaveText(/Convert and save b\.qcow2/);
});

test('a source that changes under the work fails in words, and no half file is saved', async ({ page, folder }) => {
  const source = makeDisk(join(folder, 'disk.raw'), 'raw');
  await choose(page, source);
  await expect(go(page)).toHaveText(/Convert and save disk\.qcow2/);
  truncateSync(source, 100 * MiB);
  const downloads: Download[] = [];
  page.on('download', (download) => downloads.push(download));
  await go(page).click();
  await expect(card(page, 'disk.qcow2').getByRole('alert')).toContainText('disk.qcow2 was not made.');
  // Whatever began to be saved was broken off: nothing that looks whole is in the downloads.
  const whole: string[] = [];
  for (const download of downloads) if ((await download.failure()) === null) whole.push(download.suggestedFilename());
  expect(whole).toEqual([]);
  await expect(page.locator('[data-state="finished"]')).toHaveCount(0);
});

async function expectNoViolations(page: Page, state: string): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(
    violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`),
    `axe, ${state}`,
  ).toEqual([]);
  expect(
    await page.evaluate(() => document.documentElement.scrollWidth - innerWidth),
    `wider than the window, ${state}`,
  ).toBeLessThanOrEqual(0);
}

for (const [colorScheme, width] of [
  ['light', 1280],
  ['dark', 1280],
  ['light', 390],
  ['dark', 360],
] as const) {
  test(`no barriers: ${colorScheme}, ${width} px wide`, async ({ page, folder }) => {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: 860 });
    const whole = makeDisk(join(folder, 'whole-with-a-rather-long-name-for-a-narrow-window.qcow2'), 'qcow2', '64M');
    qemuImgOrThrow(['snapshot', '-c', 'clean', whole]);
    const top = join(folder, 'top.qcow2');
    qemuImgOrThrow(['create', '-q', '-f', 'qcow2', '-b', whole, '-F', 'qcow2', top]);
    await page.goto(ADDRESS);
    await expect(page.getByRole('heading', { name: 'Convert disk images' })).toBeVisible();
    await expectNoViolations(page, 'nothing to convert');
    await choose(page, top);
    await expect(page.getByText('A backing file is missing:')).toBeVisible();
    await choose(page, makeDisk(join(folder, 'disk.raw'), 'raw', '64M'));
    await expect(page.getByRole('listitem', { name: 'disk.raw' })).toBeVisible();
    await page.locator('.page--convert details').evaluateAll((folds) => {
      for (const fold of folds) (fold as HTMLDetailsElement).open = true;
    });
    await page.getByRole('radio', { name: 'Small download' }).check();
    await page.getByRole('radio', { name: 'full' }).check();
    await expectNoViolations(page, 'options and problems');
    await page.getByRole('radio', { name: 'Small download' }).check();
    await page.getByLabel('Missing file').setInputFiles(whole);
    await go(page).click();
    await expect(page.locator('[data-state="finished"]')).toHaveCount(2);
    await page.locator('.tasks details').evaluateAll((folds) => {
      for (const fold of folds) (fold as HTMLDetailsElement).open = true;
    });
    await expectNoViolations(page, 'converted');
  });
}

test('encrypted on the way in and on the way out', async ({ page, folder }) => {
  const plain = makeDisk(join(folder, 'plain.raw'), 'raw', '64M');
  const secret = (word: string) => ['--object', `secret,id=s,data=${word}`];
  const opts = (file: string) => `driver=qcow2,file.filename=${file},encrypt.key-secret=s`;
  const locked = join(folder, 'locked.qcow2');
  const luks = ['-o', 'encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=0'];
  qemuImgOrThrow(['convert', '-q', ...secret('first'), '-f', 'raw', '-O', 'qcow2', ...luks, plain, locked]);
  await choose(page, locked);
  await page.getByLabel('Passphrase', { exact: true }).fill('wrong');
  await page.getByRole('button', { name: 'Unlock' }).click();
  await expect(page.getByText('This passphrase does not open it.')).toBeVisible();
  await page.getByLabel('Passphrase', { exact: true }).fill('first');
  await page.getByRole('button', { name: 'Unlock' }).click();
  await expect(go(page)).toBeVisible();
  await page.locator('.page--convert summary', { hasText: /^Encryption/ }).click();
  await page
    .locator('[data-option="encrypt.format"]:visible')
    .getByRole('radio', { name: 'luks' })
    .check({ force: true });
  await page.locator('#convert-option-encrypt-iter-time').fill('10');
  await page.getByRole('button', { name: 'Settle 1 problem to convert' }).click();
  await expect(page.locator('#convert-passphrase')).toBeFocused();
  await page.locator('#convert-passphrase').fill('second');
  await expect(page.locator('.commands')).toContainText('--object secret,id=sec0,file=passphrase.txt');
  const [saved = ''] = await convert(page, folder);
  qemuImgOrThrow(['compare', ...secret('second'), '--image-opts', opts(saved), `driver=raw,file.filename=${plain}`]);
  qemuImgOrThrow(['check', '-q', ...secret('second'), '--image-opts', opts(saved)]);
});
