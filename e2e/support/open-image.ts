/** Opens files on the page as a person does, and reads what it shows. */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { test as base, expect, type Page } from '@playwright/test';
import { makeFolder, removeFolder } from './folder.ts';

export const test = base.extend<{ folder: string }>({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the fixture's needs from this pattern.
  folder: async ({}, use) => {
    const folder = makeFolder();
    await use(folder);
    removeFolder(folder);
  },
  page: async ({ page, baseURL }, use) => {
    const away: string[] = [];
    const errors: string[] = [];
    page.context().on('request', (request) => {
      const url = request.url();
      if (!/^(blob|data):/.test(url) && !url.startsWith(baseURL ?? '')) away.push(url);
    });
    page.on('pageerror', (error) => errors.push(String(error)));
    page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
    await use(page);
    expect(away, 'requests that left the origin').toEqual([]);
    expect(errors).toEqual([]);
  },
});

export async function openFiles(page: Page, files: readonly string[]): Promise<void> {
  if (!page.url().endsWith('#open')) await page.goto('./#open');
  await page.getByLabel('Image files').setInputFiles([...files]);
  await expect(page.locator('.page--open')).toBeVisible();
}

export const named = (page: Page, name: string) =>
  page.getByRole('region', { name }).or(page.locator('section', { has: page.getByRole('heading', { name }) }));

/** The JSON that the page shows. */
export async function shownInfo(page: Page): Promise<Record<string, unknown>> {
  return JSON.parse((await page.getByTestId('info-json').textContent()) ?? '') as Record<string, unknown>;
}

/** All tables have been read. */
export async function mapComplete(page: Page): Promise<void> {
  await expect(page.getByText(/^The map is complete/)).toBeAttached();
}

/** Clusters of a kind, as the legend tells; 0 where it has none. */
export async function legendCount(page: Page, name: string): Promise<number> {
  const found = page
    .getByRole('list', { name: /What the file holds/ })
    .getByRole('button', { name: new RegExp(`^${name} `) });
  if ((await found.count()) === 0) return 0;
  return Number((await found.locator('b').textContent())?.replaceAll(',', ''));
}

/** Drops files on the window: their bytes go through the page, so small ones only. */
export async function dropFiles(page: Page, files: readonly string[]): Promise<void> {
  const parts = files.map((file) => ({ name: basename(file), base64: readFileSync(file).toString('base64') }));
  const transfer = await page.evaluateHandle((list) => {
    const data = new DataTransfer();
    for (const { name, base64 } of list) {
      data.items.add(new File([Uint8Array.from(atob(base64), (one) => one.charCodeAt(0))], name));
    }
    return data;
  }, parts);
  await page.dispatchEvent('body', 'dragenter', { dataTransfer: transfer });
  await expect(page.getByText('Drop to look inside')).toBeVisible();
  await page.dispatchEvent('body', 'drop', { dataTransfer: transfer });
  await expect(page.getByText('Drop to look inside')).toBeHidden();
}
