/** Without a secure context there is neither picker nor service worker nor OPFS: small files only, and said so. */
import { expect, test } from '@playwright/test';
import { harnessUrl } from '../playwright.config.ts';
import { order, save } from './support/harness.ts';

test.use({
  launchOptions: async ({ launchOptions }, use) => {
    const mapped = '--host-resolver-rules=MAP insecure.test 127.0.0.1';
    await use({ ...launchOptions, args: [...(launchOptions.args ?? []), mapped] });
  },
});

test('a page without https saves small files and refuses large ones with the reason', async ({ page }) => {
  await page.goto(harnessUrl.replace('localhost', 'insecure.test'));
  expect(await page.evaluate(() => isSecureContext)).toBe(false);
  const [download, outcome] = await Promise.all([page.waitForEvent('download'), save(page, order({ size: '32G' }))]);
  expect(await download.failure()).toBeNull();
  expect(outcome).toMatchObject({ report: { files: [{ sink: 'blob', length: 197_120 }] } });
  expect(await save(page, order({ size: '1G' }, { format: 'raw' }))).toMatchObject({
    failure: { kind: 'out-of-range', message: expect.stringContaining('https') },
  });
});
