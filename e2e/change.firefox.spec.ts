/** Changing in the other engine: no picker there, so what is saved is streamed or staged. */
import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@playwright/test';
import { firefoxDownloads, harnessUrl } from '../playwright.config.ts';
import { makeImage, type Recipe, recipes } from '../src/testing/oracle/qcow2-recipes.ts';
import { qemuImg, qemuImgOrThrow } from '../src/testing/oracle/qemu-tools.ts';
import type { Change } from '../src/worker/change/protocol.ts';
import { change, give } from './support/changing.ts';
import { makeFolder, removeFolder } from './support/folder.ts';

const recipe = (name: string): Recipe => recipes.find((one) => one.name === name) as Recipe;

/** Nothing tells here when a download is over: the folder is watched until its one file is whole. */
async function downloaded(length: number): Promise<string> {
  const names = (): string[] => (existsSync(firefoxDownloads) ? readdirSync(firefoxDownloads) : []);
  const whole = (): boolean =>
    names().length === 1 && names().every((name) => statSync(join(firefoxDownloads, name)).size === length);
  await expect.poll(whole, { intervals: [500], timeout: 30_000 }).toBe(true);
  return join(firefoxDownloads, names()[0] ?? '');
}

test('snapshots are applied and compressed images compacted in Firefox', async ({ page }) => {
  const folder = makeFolder();
  await page.goto(`${harnessUrl}?ping=500`);
  await page.waitForFunction(() => window.changing !== undefined);
  await page.evaluate(() => window.harness.client.identify(new File(['x'], 'x')));

  const file = makeImage(recipe('snapshots'), folder);
  const copy = join(folder, 'theirs');
  copyFileSync(file, copy);
  qemuImgOrThrow(['snapshot', '-a', 'a', copy]);
  await give(page, file);
  const what: Change = { kind: 'snapshot-apply', snapshot: { id: '1', name: 'a' } };
  for (const sink of ['stream', 'opfs'] as const) {
    rmSync(firefoxDownloads, { recursive: true, force: true });
    const { failure, report } = await change(page, what, sink);
    expect(failure).toBeUndefined();
    expect(report).toMatchObject({ sink, check: { verdict: 'sound' } });
    const saved = await downloaded(report?.length ?? 0);
    expect(readFileSync(saved).equals(readFileSync(copy)), sink).toBe(true);
  }

  const packed = makeImage(recipe('compressed, then overwritten'), folder, 'packed.qcow2');
  await give(page, packed);
  rmSync(firefoxDownloads, { recursive: true, force: true });
  const { report } = await change(page, { kind: 'compact' }, 'blob');
  const saved = await downloaded(report?.length ?? 0);
  expect(qemuImg(['check', saved]).code).toBe(0);
  expect(qemuImg(['compare', saved, packed]).code).toBe(0);
  removeFolder(folder);
});
