/** A recipe by link, by file and on the command line: the same form, the same bytes, the same digests. */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import AxeBuilder from '@axe-core/playwright';
import { test as base, expect, type Page } from '@playwright/test';
import { build } from 'vite';
import { makeFolder, removeFolder } from './support/folder.ts';
import { layoutDigestOf, sha256Of } from './support/oracle.ts';

const test = base.extend<{ folder: string }, { command: string }>({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the fixture's needs from this pattern.
  folder: async ({}, use) => {
    const folder = makeFolder();
    await use(folder);
    removeFolder(folder);
  },
  /** The command, built from the same tree as the page. */
  command: [
    // biome-ignore lint/correctness/noEmptyPattern: as above
    async ({}, use) => {
      const folder = makeFolder();
      await build({ configFile: 'vite.cli.config.ts', logLevel: 'error', build: { outDir: folder } });
      await use(join(folder, 'diskwright.js'));
      removeFolder(folder);
    },
    { scope: 'worker' },
  ],
});

const line = (page: Page) => page.getByRole('textbox', { name: 'Command line' });
const go = (page: Page) => page.getByRole('button', { name: /^Build and save/ });
const LINK = './#create?v=1&format=qcow2&file=lab.qcow2&o.size=60M&o.cluster_size=16K&o.preallocation=metadata';
const COMMAND = 'qemu-img create -f qcow2 -o cluster_size=16K,preallocation=metadata lab.qcow2 60M';

async function saveImage(page: Page, path: string): Promise<void> {
  const [download] = await Promise.all([page.waitForEvent('download'), go(page).click()]);
  await download.saveAs(path);
}

async function saveRecipe(page: Page, path: string): Promise<void> {
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Save recipe' }).click(),
  ]);
  await download.saveAs(path);
}

test('a link restores the form; its image and that of the command are the same bytes, and verify says so', async ({
  page,
  folder,
  command,
}) => {
  await page.goto(`${LINK.replace('./', './?without=picked')}`);
  await expect(line(page)).toHaveValue(COMMAND);
  const recipe = join(folder, 'lab.json');
  await saveRecipe(page, recipe);
  const fromLink = join(folder, 'from-link.qcow2');
  await saveImage(page, fromLink);
  await expect(page.getByRole('heading', { name: 'lab.qcow2 is saved' })).toBeVisible();

  const run = (...words: string[]) =>
    spawnSync(process.execPath, [command, ...words], { cwd: folder, encoding: 'utf8' });
  expect(run('create', '--recipe', 'lab.json').status).toBe(0);
  const fromCommand = join(folder, 'lab.qcow2');
  expect(sha256Of(fromLink)).toBe(sha256Of(fromCommand));
  execFileSync('cmp', [fromLink, fromCommand]);
  await expect(page.getByText(sha256Of(fromCommand))).toBeAttached();
  await expect(page.getByText(layoutDigestOf(fromCommand))).toBeAttached();

  // The line that the page offers, run on the command's file; then on another file.
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.getByRole('button', { name: 'Copy command that verifies lab.qcow2' }).click();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  const words = copied.split(' ');
  expect(words.shift()).toBe('diskwright');
  expect(run(...words).status).toBe(0);
  expect(run('verify', 'from-link.qcow2', '--recipe', 'lab.json').status).toBe(0);
  writeFileSync(fromCommand, readFileSync(fromCommand).fill(1, 300, 301));
  expect(run(...words).status).toBe(2);
});

test('a recipe file that is dropped on the page fills the form, whatever place one is in', async ({ page, folder }) => {
  await page.goto(LINK);
  await expect(line(page)).toHaveValue(COMMAND);
  const recipe = join(folder, 'lab.recipe.json');
  await saveRecipe(page, recipe);
  const text = readFileSync(recipe, 'utf8').replace('"options"', '"colour": "red",\n  "options"');

  await page.goto('./#open');
  const transfer = await page.evaluateHandle((content) => {
    const data = new DataTransfer();
    data.items.add(new File([content], 'lab.recipe.json', { type: 'application/json' }));
    return data;
  }, text);
  await page.dispatchEvent('body', 'drop', { dataTransfer: transfer });
  await expect(page.getByText('Loaded from lab.recipe.json.')).toBeVisible();
  await expect(line(page)).toHaveValue(COMMAND);
  await expect(page.getByText('The recipe says "colour", which is not known here.')).toBeVisible();
  expect((await new AxeBuilder({ page }).analyze()).violations.map(({ id }) => id)).toEqual([]);
});

test('reload, Back and Forward bring the form back', async ({ page }) => {
  await page.goto('./');
  await expect(go(page)).toBeVisible();
  const first = await line(page).inputValue();
  await page.getByRole('textbox', { name: 'Size' }).fill('3 GiB');
  await page.getByText('Start from').click();
  await page.getByRole('button', { name: /^Database/ }).click();
  await expect(page).toHaveURL(/file=data\.qcow2/);
  const database = await line(page).inputValue();
  await page.reload();
  await expect(line(page)).toHaveValue(database);
  await page.goBack();
  await expect(line(page)).toHaveValue(first.replace('32G', '3G'));
  await page.goForward();
  await expect(line(page)).toHaveValue(database);

  await page.getByRole('link', { name: 'Open' }).click();
  await expect(page).toHaveURL(/#open$/);
  await page.getByRole('link', { name: 'Create' }).click();
  await expect(line(page)).toHaveValue(database);
  await expect(page).toHaveURL(/file=data\.qcow2/);
});

test('the link that is copied opens the same form elsewhere', async ({ page, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.goto('./');
  await line(page).fill("qemu-img create -f raw -o preallocation=falloc 'my disk.img' 5G");
  await page.getByRole('button', { name: 'Copy link' }).click();
  await expect(page.getByText('Link copied.')).toBeVisible();
  const link = await page.evaluate(() => navigator.clipboard.readText());
  const other = await context.newPage();
  await other.goto(link);
  await expect(line(other)).toHaveValue("qemu-img create -f raw -o preallocation=falloc 'my disk.img' 5G");
});

for (const colorScheme of ['light', 'dark'] as const) {
  test(`presets and help have no barriers, ${colorScheme}; nothing is wider than the window`, async ({ page }) => {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    for (const width of [1280, 390]) {
      await page.setViewportSize({ width, height: 800 });
      await page.goto('./');
      await page.getByText('Start from').click();
      expect((await new AxeBuilder({ page }).analyze()).violations.map(({ id }) => id)).toEqual([]);
      await page.getByRole('button', { name: 'Help', exact: true }).click();
      const dialog = page.getByRole('dialog');
      for (const part of ['Cluster size', 'Preallocation', 'Backing files', 'Recipes', 'Keys']) {
        await dialog.getByRole('button', { name: part, exact: true }).click();
        await expect(dialog.getByRole('heading', { name: part })).toBeVisible();
        expect((await new AxeBuilder({ page }).include('dialog').analyze()).violations.map(({ id }) => id)).toEqual([]);
      }
      expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
      await page.keyboard.press('Escape');
      await expect(dialog).toHaveCount(0);
    }
  });
}
