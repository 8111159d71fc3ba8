/**
 * Firefox: no picker, a service worker that is ended when idle, and downloads that Playwright does not report:
 * the folder is watched instead.
 */
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, type Page, test } from '@playwright/test';
import { firefoxDownloads, harnessUrl } from '../playwright.config.ts';
import { makeFolder, removeFolder } from './support/folder.ts';
import { expectSameImage, makeReference } from './support/oracle.ts';

test.beforeEach(() => rmSync(firefoxDownloads, { recursive: true, force: true }));

/** The one file in the downloads folder, once it has not grown for a while and no part file is there. */
async function downloaded(): Promise<string> {
  let last = '';
  await expect
    .poll(
      () => {
        const names = existsSync(firefoxDownloads) ? readdirSync(firefoxDownloads) : [];
        const now = names.map((name) => `${name} ${statSync(join(firefoxDownloads, name)).size}`).join();
        const settled = names.length === 1 && now === last && !now.includes('.part') && !now.endsWith(' 0');
        last = now;
        return settled;
      },
      { intervals: [500], timeout: 30_000 },
    )
    .toBe(true);
  return join(firefoxDownloads, readdirSync(firefoxDownloads)[0] ?? '');
}

test('the page saves its default image', async ({ page }) => {
  const folder = makeFolder();
  await page.goto('./');
  await page.getByRole('button', { name: /^Build and save/ }).click();
  await expect(page.getByRole('heading', { name: /is saved$/ })).toBeVisible({ timeout: 20_000 });
  const what = { format: 'qcow2', fileName: '', gzip: false, texts: { size: '32G' } };
  expectSameImage(await downloaded(), makeReference(what, join(folder, 'reference'), folder), 'qcow2');
  removeFolder(folder);
});

for (const [sink, query] of [
  ['stream', '?ping=500'],
  ['opfs', '?without=stream'],
] as const) {
  test(`a large image through ${sink}`, async ({ page }) => {
    const folder = makeFolder();
    await page.goto(`${harnessUrl}${query}`);
    const texts = { size: '100M', preallocation: 'full' };
    const what = { format: 'qcow2', fileName: 'disk.qcow2', gzip: false, texts };
    await page.evaluate(() => window.harness.client.identify(new File(['x'], 'x')));
    const outcome = await page.evaluate((order) => window.harness.save(order), what);
    expect(outcome).toMatchObject({ report: { files: [{ sink }] } });
    expectSameImage(await downloaded(), makeReference(what, join(folder, 'reference'), folder), 'qcow2');
    removeFolder(folder);
  });
}

const PIECES = 40;

const streamSlowly = (page: Page, name: string, ping: number): Promise<boolean> =>
  page.evaluate(([name, pieces, ping]) => window.harness.streamSlowly(name, pieces, ping, 15_000), [
    name,
    PIECES,
    ping,
  ] as const);

test('a slow stream with pings arrives whole', async ({ page }) => {
  await page.goto(harnessUrl);
  expect(await streamSlowly(page, 'pinged.img', 500)).toBe(true);
  expect(statSync(await downloaded()).size).toBe(PIECES * 1024 * 1024);
});

test('a stream that the browser cut is never called saved', async ({ page }) => {
  await page.goto(harnessUrl);
  // No ping comes in time: Firefox ends the service worker and calls the rest a complete download.
  expect(await streamSlowly(page, 'silent.img', 600_000)).toBe(false);
  expect(statSync(await downloaded()).size).toBeLessThan(PIECES * 1024 * 1024);
});
