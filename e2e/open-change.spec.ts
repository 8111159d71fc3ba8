/**
 * The forms of the changes, driven as a person does: each is gone through once with a real image, and what was saved
 * is held against what qemu-img makes with the command lines that the form itself shows.
 */
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, renameSync, truncateSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import AxeBuilder from '@axe-core/playwright';
import { expect, type Page } from '@playwright/test';
import { imageInfo, qemuImg, qemuImgOrThrow, qemuIo } from '../src/testing/oracle/qemu-tools.ts';
import { named, openFiles, test } from './support/open-image.ts';

const MiB = 2 ** 20;

/** Data, zeros that are data, compressed clusters. */
function makeImage(folder: string, name = 'web.qcow2', ...options: readonly string[]): string {
  const file = join(folder, name);
  const list = options.length > 0 ? ['-o', options.join(',')] : [];
  qemuImgOrThrow(['create', '-q', '-f', 'qcow2', ...list, file, '64M']);
  qemuIo(['-c', 'write -P 1 0 3M', '-c', 'write -P 0 8M 2M', '-c', 'write -c -P 7 20M 64k', file]);
  return file;
}

/** Counts clusters that nothing uses, in the first refcount block of an image with 16-bit counts. */
function leak(file: string, clusters: readonly number[]): void {
  truncateSync(file, 400 * 65536);
  const handle = openSync(file, 'r+');
  for (const cluster of clusters) writeSync(handle, Buffer.from([0, 1]), 0, 2, 2 * 65536 + 2 * cluster);
  closeSync(handle);
}

async function goTo(page: Page, place: string): Promise<void> {
  await named(page, 'Change it').getByRole('button', { name: place, exact: true }).click();
  await expect(page.getByRole('heading', { name: place, level: 2, exact: true })).toBeVisible();
}

/** The form that is shown; that of Create stays on the page behind it. */
const form = (page: Page) => page.locator('form.change');

const pick = (page: Page, name: string | RegExp) => form(page).getByRole('radio', { name }).check({ force: true });

/** The command lines beside the form. */
async function shownCommands(page: Page): Promise<string> {
  const block = page.locator('.equal__one', { has: page.getByRole('heading', { name: 'qemu-img' }) });
  return (await block.locator('pre').textContent()) ?? '';
}

interface Saved {
  /** What the page saved, and what the commands that it showed have made. */
  readonly saved: string;
  readonly made: string;
}

/** Saves under the name that the form proposes, and runs the command lines that it shows. */
async function saveAndRepeat(page: Page, image: string): Promise<Saved> {
  const go = page.getByRole('button', { name: /^Save .+\.(qcow2|raw|img)$/ });
  await expect(page.locator('.panel--old')).toHaveCount(0);
  await expect(go).toBeVisible();
  const name = ((await go.textContent()) ?? '').replace(/^Save /, '');
  const commands = await shownCommands(page);
  const folder = dirname(image);
  const before = readFileSync(image);
  const [download] = await Promise.all([page.waitForEvent('download'), go.click()]);
  expect(download.suggestedFilename()).toBe(name);
  // The same name may come twice.
  const saved = join(mkdtempSync(join(folder, 'saved-')), name);
  await download.saveAs(saved);
  await expect(page.getByRole('heading', { name: `${name} is saved` })).toBeFocused();
  const { status, stderr } = spawnSync('sh', ['-ec', commands], { cwd: folder, encoding: 'utf8' });
  expect(`${stderr}`, commands).toBe('');
  expect(status, commands).toBe(0);
  const made = join(dirname(saved), `made-${name}`);
  renameSync(join(folder, name), made);
  expect(readFileSync(image).equals(before), 'the open file is as it was').toBe(true);
  if (name.endsWith('.qcow2')) {
    await expect(page.getByText('No errors, no leaks')).toBeVisible();
    // Alone: what it rests on lies elsewhere.
    const alone = { driver: 'qcow2', file: { driver: 'file', filename: saved }, backing: null };
    expect(qemuImg(['check', `json:${JSON.stringify(alone)}`])).toMatchObject({ code: 0 });
  }
  return { saved, made };
}

/** Byte for byte what the commands make. */
function expectSame({ saved, made }: Saved): void {
  expect(readFileSync(saved).equals(readFileSync(made)), 'as the command lines make it').toBe(true);
}

function expectSameDisk(one: string, other: string, cwd?: string): void {
  const { code, stdout, stderr } = qemuImg(['compare', one, other], cwd === undefined ? {} : { cwd });
  expect(code, `${one}, ${other}: ${stdout}${stderr}`).toBe(0);
}

test('repair: from the findings of the check to a sound image, opened straight away', async ({ page, folder }) => {
  const image = makeImage(folder);
  leak(image, [200, 201, 300]);
  await openFiles(page, [image]);
  await page.getByRole('button', { name: 'Check the image' }).click();
  await expect(named(page, 'Check').locator('.verdict')).toContainText('3 leaked clusters');
  await page.getByRole('button', { name: 'Repair into a new file' }).click();
  await expect(page.getByRole('radio', { name: 'Leaks only' })).toBeChecked();
  await expect(page.locator('.outcome')).toContainText('3 leaked clusters repaired');
  await form(page).getByLabel('Save as').fill('mended one.qcow2');
  expect(await shownCommands(page)).toContain("cp web.qcow2 'mended one.qcow2'\nqemu-img check -r leaks");
  await form(page).getByLabel('Save as').fill('web.qcow2');
  await expect(page.getByRole('button', { name: 'Settle the name' })).toBeVisible();
  await form(page).getByLabel('Save as').fill('mended.qcow2');
  const before = await shownCommands(page);
  expect(before).toContain('mended.qcow2');
  const result = spawnSync('sh', ['-c', before], { cwd: folder });
  // What was found and repaired: qemu-img ends with 0 then.
  expect(result.status).toBe(0);
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Save mended.qcow2' }).click(),
  ]);
  const saved = join(folder, 'saved.qcow2');
  await download.saveAs(saved);
  expect(readFileSync(saved).equals(readFileSync(join(folder, 'mended.qcow2')))).toBe(true);
  await page.getByRole('button', { name: 'Open the result' }).click();
  await expect(page.getByRole('heading', { name: 'mended.qcow2', level: 1 })).toBeVisible();
  await page.getByRole('button', { name: 'Check the image' }).click();
  await expect(named(page, 'Check').locator('.verdict')).toContainText('Nothing is wrong');
  // A sound image has nothing to save.
  await goTo(page, 'Repair');
  await expect(page.getByText('Nothing to save.')).toBeVisible();
});

test('resize: larger with its tables, and smaller only after a yes', async ({ page, folder }) => {
  const image = makeImage(folder);
  await openFiles(page, [image]);
  await goTo(page, 'Resize');
  const size = form(page).getByLabel('Size', { exact: true });
  await expect(page.getByRole('button', { name: 'Type another size' })).toBeVisible();
  await size.fill('80 MiB');
  await pick(page, 'metadata');
  const grown = await saveAndRepeat(page, image);
  expectSame(grown);
  expect(imageInfo(grown.saved)['virtual-size']).toBe(80 * MiB);

  await page.getByRole('button', { name: 'Change more' }).click();
  await size.fill('4M');
  await expect(page.getByText('Everything behind 4 MiB is lost.')).toBeVisible();
  await page.getByRole('button', { name: 'Confirm the smaller disk' }).click();
  await expect(page.getByRole('checkbox', { name: /before 4 MiB/ })).toBeFocused();
  await page.keyboard.press('Space');
  const shrunk = await saveAndRepeat(page, image);
  expectSame(shrunk);
  expect(imageInfo(shrunk.saved)['virtual-size']).toBe(4 * MiB);
});

test('snapshots: applied, deleted, saved as an image, made', async ({ page, folder }) => {
  const image = makeImage(folder);
  qemuImgOrThrow(['snapshot', '-c', 'before', image]);
  qemuIo(['-c', 'write -P 9 1M 1M', image]);
  qemuImgOrThrow(['snapshot', '-c', 'after it', image]);
  qemuIo(['-c', 'write -P 5 0 1M', image]);
  await openFiles(page, [image]);
  await goTo(page, 'Snapshots');
  await page.getByRole('button', { name: 'Choose a snapshot' }).click();
  await expect(page.getByRole('radio', { name: '1 before' })).toBeFocused();
  await pick(page, '1 before');
  const applied = await saveAndRepeat(page, image);
  expectSame(applied);
  await page.getByRole('button', { name: 'Change more' }).click();

  await pick(page, 'Delete it');
  await pick(page, '2 after it');
  expectSame(await saveAndRepeat(page, image));
  await page.getByRole('button', { name: 'Change more' }).click();

  await pick(page, 'Save it as a new image');
  await pick(page, '1 before');
  await pick(page, 'raw');
  const raw = await saveAndRepeat(page, image);
  expectSame(raw);
  expectSameDisk(raw.saved, applied.saved);
  await page.getByRole('button', { name: 'Change more' }).click();
  await pick(page, 'qcow2');
  const alone = await saveAndRepeat(page, image);
  expectSameDisk(alone.saved, raw.saved);
  expectSameDisk(alone.saved, alone.made);
  await page.getByRole('button', { name: 'Change more' }).click();

  await pick(page, 'Make one');
  await page.getByRole('button', { name: 'Name the snapshot' }).click();
  await page.keyboard.type('now');
  const made = await saveAndRepeat(page, image);
  expect(qemuImgOrThrow(['snapshot', '-l', made.saved]).stdout).toMatch(/\bnow\b/);
  expectSameDisk(made.saved, image);
});

test('amend: an older version, wider counts; rules between the options are settled by a click', async ({
  page,
  folder,
}) => {
  const image = makeImage(folder, 'web.qcow2', 'lazy_refcounts=on');
  await openFiles(page, [image]);
  await goTo(page, 'Amend');
  await expect(page.getByRole('button', { name: 'Choose what to change' })).toBeVisible();
  await form(page).getByLabel('Refcount bits').selectOption('32');
  const wider = await saveAndRepeat(page, image);
  expectSame(wider);
  expect(imageInfo(wider.saved)['format-specific']?.data['refcount-bits']).toBe(32);
  await page.getByRole('button', { name: 'Change more' }).click();

  await form(page).getByLabel('Refcount bits').selectOption('16');
  await pick(page, '0.10');
  await expect(page.getByText('Lazy refcounts need compat 1.1.').first()).toBeVisible();
  await page.getByRole('button', { name: 'Turn lazy refcounts off' }).click();
  const older = await saveAndRepeat(page, image);
  expectSame(older);
  expect(imageInfo(older.saved)['format-specific']?.data['compat']).toBe('0.10');
});

test('backing file: another one, another name, none; a missing one is asked for', async ({ page, folder }) => {
  const base = makeImage(folder, 'base.qcow2');
  const other = makeImage(folder, 'other.qcow2');
  qemuIo(['-c', 'write -P 3 40M 1M', other]);
  const image = join(folder, 'over.qcow2');
  qemuImgOrThrow(['create', '-q', '-f', 'qcow2', '-b', 'base.qcow2', '-F', 'qcow2', image]);
  qemuIo(['-c', 'write -P 4 2M 2M', image]);

  await openFiles(page, [image]);
  await goTo(page, 'Backing file');
  await expect(page.getByRole('radio', { name: 'One new image of the whole chain' })).toBeDisabled();
  await pick(page, 'Only another name');
  await form(page).getByLabel('File name').fill('renamed.qcow2');
  const named_ = await saveAndRepeat(page, image);
  expectSame(named_);
  expect(imageInfo(named_.saved, { cwd: folder })['backing-filename']).toBe('renamed.qcow2');

  await openFiles(page, [image, base]);
  await goTo(page, 'Backing file');
  await form(page).getByLabel('Backing file', { exact: true }).setInputFiles(other);
  await expect(form(page).getByLabel('File name')).toHaveValue('other.qcow2');
  await expect(form(page).getByLabel('Its format')).toHaveValue('qcow2');
  const rebased = await saveAndRepeat(page, image);
  renameSync(rebased.saved, join(folder, 'rebased.qcow2'));
  expectSame({ saved: join(folder, 'rebased.qcow2'), made: rebased.made });
  expectSameDisk('rebased.qcow2', 'over.qcow2', folder);
  await page.getByRole('button', { name: 'Change more' }).click();

  await pick(page, 'No backing file, the same image');
  const alone = await saveAndRepeat(page, image);
  expect(imageInfo(alone.saved)['backing-filename']).toBe(undefined);
  expectSameDisk(alone.saved, image);
  await page.getByRole('button', { name: 'Change more' }).click();

  await pick(page, 'One new image of the whole chain');
  await pick(page, 'raw');
  const flat = await saveAndRepeat(page, image);
  expectSame(flat);
  expectSameDisk(flat.saved, image);
});

test('compact: shorter, the same disk; snapshots go only after a yes', async ({ page, folder }) => {
  const image = makeImage(folder);
  qemuImgOrThrow(['snapshot', '-c', 'before', image]);
  qemuImgOrThrow(['bitmap', '--add', image, 'backup']);
  qemuIo(['-c', 'discard 0 1M', image]);
  await openFiles(page, [image]);
  await goTo(page, 'Compact');
  await page.getByRole('button', { name: 'Confirm the loss of snapshots' }).click();
  await page.keyboard.press('Space');
  const { saved, made } = await saveAndRepeat(page, image);
  expectSameDisk(saved, image);
  expectSameDisk(saved, made);
  const lengthOf = (file: string): number => readFileSync(file).length;
  expect(lengthOf(saved)).toBeLessThan(lengthOf(image) - 2 * MiB);
  expect(imageInfo(saved)['format-specific']?.data['bitmaps']).toMatchObject([{ name: 'backup' }]);
});

test('what an image cannot have is said; a raw disk can be resized', async ({ page, folder }) => {
  const raw = join(folder, 'disk.img');
  qemuImgOrThrow(['create', '-q', '-f', 'raw', raw, '2M']);
  qemuIo(['-f', 'raw', '-c', 'write -P 1 0 64k', raw]);
  await openFiles(page, [raw]);
  const menu = named(page, 'Change it');
  const amend = menu.getByRole('button', { name: 'Amend' });
  await expect(amend).toBeDisabled();
  await expect(amend).toHaveAccessibleDescription(/\.$/);
  await goTo(page, 'Resize');
  await form(page).getByLabel('Size', { exact: true }).fill('3M');
  expectSame(await saveAndRepeat(page, raw));
  // Back to the look, at the button that led away from it.
  await page.getByRole('button', { name: `Back to ${basename(raw)}` }).click();
  await expect(menu.getByRole('button', { name: 'Resize' })).toBeFocused();
});

for (const [colorScheme, width] of [
  ['light', 1280],
  ['dark', 360],
] as const) {
  test(`no barriers in any form: ${colorScheme}, ${width} px wide`, async ({ page, folder }) => {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await page.setViewportSize({ width, height: 860 });
    const image = makeImage(folder);
    qemuImgOrThrow(['snapshot', '-c', 'before the upgrade', image]);
    leak(image, [200]);
    await openFiles(page, [image]);
    await goTo(page, 'Repair');
    const expectNoViolations = async (state: string): Promise<void> => {
      const { violations } = await new AxeBuilder({ page }).analyze();
      const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`);
      expect(found, `axe, ${state}`).toEqual([]);
      const wider = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      expect(wider, `${state}: wider than the window`).toBeLessThanOrEqual(0);
    };
    await expect(page.locator('.outcome')).toBeVisible();
    await expectNoViolations('Repair');
    for (const place of ['Resize', 'Snapshots', 'Amend', 'Backing file', 'Compact']) {
      await page.getByRole('navigation', { name: 'Changes' }).getByRole('button', { name: place }).click();
      await expect(page.getByRole('heading', { name: place, level: 2, exact: true })).toBeVisible();
      await expectNoViolations(place);
    }
    await page.getByRole('navigation', { name: 'Changes' }).getByRole('button', { name: 'Resize' }).click();
    await form(page).getByLabel('Size', { exact: true }).fill('1M');
    await page.getByRole('checkbox').check();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: /^Save web/ }).click(),
    ]);
    await download.delete();
    await expect(page.getByRole('heading', { name: /is saved$/ })).toBeVisible();
    await expectNoViolations('saved');
  });
}
