/** Conversions in the other engine: streamed in two passes, built in its storage, compressed by its workers. */
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@playwright/test';
import { firefoxDownloads, harnessUrl } from '../playwright.config.ts';
import { qemuImgOrThrow } from '../src/testing/oracle/qemu-tools.ts';
import { convert, expectSameDisk, expectSameFile, give, mixedDisk } from './support/convert.ts';
import { makeFolder, removeFolder } from './support/folder.ts';

test.beforeEach(() => rmSync(firefoxDownloads, { recursive: true, force: true }));

/** The file in the downloads folder, once it is as long as it must be. */
async function downloaded(length: number): Promise<string> {
  const names = (): string[] => (existsSync(firefoxDownloads) ? readdirSync(firefoxDownloads) : []);
  const whole = (): boolean =>
    names().length === 1 && names().every((name) => statSync(join(firefoxDownloads, name)).size === length);
  await expect.poll(whole, { intervals: [500], timeout: 30_000 }).toBe(true);
  return join(firefoxDownloads, names()[0] ?? '');
}

for (const [sink, compress] of [
  ['stream', undefined],
  ['opfs', undefined],
  ['stream', { level: 6 }],
] as const) {
  test(`converted through ${sink}${compress ? ', compressed' : ''}`, async ({ page }) => {
    const folder = makeFolder();
    await page.goto(`${harnessUrl}?ping=500`);
    await page.waitForFunction(() => window.harness !== undefined);
    await page.evaluate(() => window.harness.client.identify(new File(['x'], 'x')));
    const source = mixedDisk(join(folder, 'mixed.raw'), 200_000);
    await give(page, 'source', [source]);
    const wish = { format: 'qcow2', texts: {}, fileName: 'mine.qcow2', sink };
    const outcome = await convert(page, compress ? { ...wish, compress } : wish);
    if (!('report' in outcome)) throw new Error(JSON.stringify(outcome));
    expect(outcome.report.check).toMatchObject({ verdict: 'sound' });
    const mine = await downloaded(outcome.report.files[0]?.length ?? 0);
    const theirs = join(folder, 'theirs');
    qemuImgOrThrow(['convert', ...(compress ? ['-c'] : []), '-f', 'raw', '-O', 'qcow2', source, theirs]);
    if (compress) {
      expectSameDisk(mine, 'qcow2', source, 'raw');
      expect(statSync(mine).size).toBeLessThanOrEqual(statSync(theirs).size * 1.01 + 1024);
    } else expectSameFile(mine, theirs);
    removeFolder(folder);
  });
}
