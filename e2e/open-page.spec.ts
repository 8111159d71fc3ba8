/** Open as a person uses it: by keyboard, narrow, in both themes; files that are broken, hostile or no image at all. */
import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import AxeBuilder from '@axe-core/playwright';
import { expect, type Page } from '@playwright/test';
import { qemuImgOrThrow, qemuIo } from '../src/testing/oracle/qemu-tools.ts';
import { mapComplete, named, openFiles, test } from './support/open-image.ts';

async function expectNoViolations(page: Page, state: string): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(
    violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`),
    `axe, ${state}`,
  ).toEqual([]);
}

function makeRich(folder: string): string {
  const file = join(folder, 'rich.qcow2');
  qemuImgOrThrow(['create', '-q', '-f', 'qcow2', '-o', 'compression_type=zstd,lazy_refcounts=on', file, '4G']);
  qemuIo(['-c', 'write 0 20M', '-c', 'write -z 30M 1M', file]);
  qemuImgOrThrow(['snapshot', '-c', 'before', file]);
  qemuIo(['-c', 'write 5M 2M', file]);
  qemuImgOrThrow(['bitmap', '--add', file, 'backup']);
  return file;
}

for (const colorScheme of ['light', 'dark'] as const) {
  for (const width of [1280, 390]) {
    test(`no barriers: ${colorScheme}, ${width} px wide`, async ({ page, folder }) => {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: 860 });
      await page.goto('./#open');
      await expect(page.getByRole('heading', { name: 'Look inside a disk image' })).toBeVisible();
      await expectNoViolations(page, 'nothing open');
      await openFiles(page, [makeRich(folder)]);
      await mapComplete(page);
      await page.getByRole('button', { name: 'Check the image' }).click();
      await expect(named(page, 'Check').locator('.verdict')).toBeVisible();
      await page.locator('details').evaluateAll((folds) => {
        for (const fold of folds) (fold as HTMLDetailsElement).open = true;
      });
      await expectNoViolations(page, 'an image');
      await page.getByRole('radio', { name: 'Table' }).check({ force: true });
      await expect(named(page, 'Cluster map').locator('tbody tr').first()).toBeVisible();
      await expectNoViolations(page, 'the map as a table');
      expect(
        await page.evaluate(() => document.documentElement.scrollWidth - innerWidth),
        'wider than the window',
      ).toBeLessThanOrEqual(0);
    });
  }
}

test('the map is walked and zoomed by keyboard', async ({ page, folder }) => {
  await openFiles(page, [makeRich(folder)]);
  await mapComplete(page);
  const map = named(page, 'Cluster map');
  const picture = map.getByRole('group', { name: /^Cluster map/ });
  const cell = map.locator('.cell');
  await picture.focus();
  await expect(cell).toContainText('Cluster 0 from 0');
  await picture.press('ArrowRight');
  await expect(cell).toContainText('Cluster 1 from 64 KiB');
  await picture.press('End');
  await expect(cell).toContainText(/Cluster \d{3} from/);
  await picture.press('Home');
  await picture.press('ArrowRight');
  await expect(cell).toContainText('The refcount table');
  // The bytes follow.
  await expect(named(page, 'Bytes').locator('.hex__at').first()).toHaveText(/010000$/);
  await page
    .getByRole('list', { name: /What the file holds/ })
    .getByRole('button', { name: /^Snapshot data/ })
    .press('Enter');
  await expect(cell).toContainText('Data that only snapshots use.');
});

test('what is no image, or a broken one, is said in words, and the page goes on', async ({ page, folder }) => {
  const path = (name: string): string => join(folder, name);
  const trouble = named(page, 'What stands in the way');
  const whole = makeRich(folder);

  writeFileSync(path('notes.pdf'), '%PDF-1.7 and so on');
  await openFiles(page, [path('notes.pdf')]);
  await expect(trouble).toContainText('This is a PDF document.');

  writeFileSync(path('empty.img'), '');
  await openFiles(page, [path('empty.img')]);
  await expect(page.getByRole('heading', { name: 'empty.img' })).toBeVisible();

  // Cut off in the middle.
  qemuImgOrThrow(['create', '-q', '-f', 'qcow2', path('cut.qcow2'), '1G']);
  qemuIo(['-c', 'write 0 8M', path('cut.qcow2')]);
  truncateSync(path('cut.qcow2'), 3 * 1024 * 1024);
  await openFiles(page, [path('cut.qcow2')]);
  await page.getByRole('button', { name: 'Check the image' }).click();
  await expect(named(page, 'Check').locator('.verdict')).toContainText('error');

  // A header of random numbers behind the magic.
  const noise = Buffer.from(Array.from({ length: 65536 }, (_, i) => (i * 7919 + (i >> 3)) % 251));
  noise.write('QFI\xfb', 0, 'latin1');
  noise.writeUInt32BE(3, 4);
  writeFileSync(path('noise.qcow2'), noise);
  await openFiles(page, [path('noise.qcow2')]);
  await expect(trouble).toContainText('QEMU would not open it');
  await expect(named(page, 'Bytes').getByRole('list', { name: 'Named fields' })).toContainText('cluster bits');

  // Largest tables, all entries to one place, a disk of an exbibyte.
  const hostile = Buffer.alloc(4 * 2 ** 21);
  hostile.write('QFI\xfb', 0, 'latin1');
  hostile.writeUInt32BE(3, 4);
  hostile.writeUInt32BE(21, 20);
  hostile.writeBigUInt64BE(2n ** 55n, 24);
  hostile.writeUInt32BE(2 ** 22, 36);
  hostile.writeBigUInt64BE(2n ** 21n, 40);
  hostile.writeBigUInt64BE(2n ** 22n, 48);
  hostile.writeUInt32BE(1, 56);
  hostile.writeUInt32BE(4, 96);
  hostile.writeUInt32BE(104, 100);
  for (let at = 2 ** 21; at < 2 ** 22; at += 8) hostile.writeBigUInt64BE(3n * 2n ** 21n, at);
  for (let at = 3 * 2 ** 21; at < 4 * 2 ** 21; at += 8) hostile.writeBigUInt64BE(2n ** 45n + BigInt(at) * 512n, at);
  writeFileSync(path('hostile.qcow2'), hostile);
  await openFiles(page, [path('hostile.qcow2')]);
  // The page answers while the worker is busy with it.
  await page.getByRole('button', { name: /^Theme: / }).click();
  await expect(page.getByRole('button', { name: 'Theme: light' })).toBeVisible();
  await expect(page.getByRole('heading', { name: 'hostile.qcow2' })).toBeVisible();
  await openFiles(page, [whole]);
  await mapComplete(page);
});

test('other formats are named honestly', async ({ page, folder }) => {
  for (const format of ['vmdk', 'vdi', 'vpc', 'vhdx', 'qed', 'parallels', 'qcow']) {
    const file = join(folder, `disk.${format}`);
    qemuImgOrThrow(['create', '-q', '-f', format, file, '16M']);
    await openFiles(page, [file]);
    const summary = named(page, 'Summary');
    await expect(summary.locator('dd').first()).toHaveText(format);
    await expect(summary).toContainText('Guest sees');
    await expect(named(page, 'What stands in the way')).toContainText('cannot be read here so far');
  }
});
