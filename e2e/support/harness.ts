/**
 * The harness page in a profile on disk: in a private context Chromium keeps OPFS in memory, where neither
 * sparse files nor speed are real.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, test as base, expect, type Page, type Request } from '@playwright/test';
import { harnessUrl, pageUrl } from '../../playwright.config.ts';
import type { SaveOrder } from '../../src/worker/engine-client.ts';
import type { SaveOutcome } from '../harness/main.ts';

interface Fixtures {
  /** The test tries foreign requests on purpose. */
  readonly attempts: boolean;
  /** A folder of this test alone. */
  readonly folder: string;
  readonly page: Page;
  readonly context: BrowserContext;
}

interface WorkerFixtures {
  readonly profile: BrowserContext;
}

export const test = base.extend<Fixtures, WorkerFixtures>({
  profile: [
    async ({ playwright, launchOptions }, use) => {
      const folder = mkdtempSync(join(tmpdir(), 'diskwright-profile-'));
      const context = await playwright.chromium.launchPersistentContext(folder, { ...launchOptions });
      await use(context);
      await context.close();
      rmSync(folder, { recursive: true, force: true });
    },
    { scope: 'worker' },
  ],
  context: async ({ profile }, use) => use(profile),
  attempts: [false, { option: true }],
  page: async ({ profile, attempts }, use) => {
    const requests: Request[] = [];
    profile.on('request', (request) => requests.push(request));
    const page = await profile.newPage();
    await use(page);
    await page.close();
    profile.removeAllListeners('request');
    // A request that the policy stopped is still seen here: only the tests that try it may have one.
    const sent = requests.filter((request) => !(attempts && request.failure()?.errorText === 'csp'));
    expectOwnOrigin(sent.map((request) => request.url()));
  },
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the fixture's needs from this pattern.
  folder: async ({}, use) => {
    const folder = mkdtempSync(join(tmpdir(), 'diskwright-saved-'));
    await use(folder);
    rmSync(folder, { recursive: true, force: true });
  },
});

/** No request of a whole test, workers included, went anywhere else. */
export function expectOwnOrigin(requests: readonly string[]): void {
  const foreign = requests.filter(
    (url) => !/^(blob|data):/.test(url) && ![harnessUrl, pageUrl].some((own) => url.startsWith(own)),
  );
  expect(foreign, 'requests that left the origin').toEqual([]);
}

/** Opens the harness and waits until it knows its abilities; `query` switches sinks off. */
export async function openHarness(page: Page, query = ''): Promise<void> {
  await page.goto(`${harnessUrl}${query}`);
  await page.waitForFunction(() => window.harness !== undefined);
  // Any other call to the same worker is answered after the question for its abilities.
  await page.evaluate(() => window.harness.client.identify(new File(['x'], 'x')));
}

/** A picked file that lies in the origin's private file system: same interface, no dialog. */
export async function fakePicker(page: Page): Promise<void> {
  await page.addInitScript(() => {
    Reflect.set(window, 'showSaveFilePicker', async ({ suggestedName }: { suggestedName: string }) => {
      Reflect.set(window, 'picks', Number(Reflect.get(window, 'picks') ?? 0) + 1);
      const root = await navigator.storage.getDirectory();
      return root.getFileHandle(suggestedName, { create: true });
    });
  });
}

/** A qcow2 order unless `more` says otherwise. */
export const order = (texts: Record<string, string>, more: Partial<SaveOrder> = {}): SaveOrder => ({
  format: 'qcow2',
  fileName: 'disk.qcow2',
  gzip: false,
  texts,
  ...more,
});

export const save = (page: Page, order: SaveOrder, cancelAt?: number): Promise<SaveOutcome> =>
  page.evaluate(([order, cancelAt]) => window.harness.save(order, cancelAt), [order, cancelAt] as const);

/** Everything in the private file system, by path. */
export const listPrivateFiles = (page: Page): Promise<string[]> =>
  page.evaluate(async () => {
    const found: string[] = [];
    const walk = async (folder: FileSystemDirectoryHandle, path: string): Promise<void> => {
      for await (const [name, handle] of folder.entries()) {
        if (handle instanceof FileSystemDirectoryHandle) await walk(handle, `${path}${name}/`);
        else found.push(`${path}${name}`);
      }
    };
    await walk(await navigator.storage.getDirectory(), '');
    return found;
  });

export const removePrivateFile = (page: Page, name: string): Promise<void> =>
  page.evaluate(async (name) => (await navigator.storage.getDirectory()).removeEntry(name), name);

/** Copies a file out of the private file system to the disk, and removes it there. */
export async function takePrivateFile(page: Page, name: string, path: string): Promise<void> {
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.evaluate(async (name) => {
      const root = await navigator.storage.getDirectory();
      const link = document.createElement('a');
      link.href = URL.createObjectURL(await (await root.getFileHandle(name)).getFile());
      link.download = name;
      link.click();
    }, name),
  ]);
  await download.saveAs(path);
  await removePrivateFile(page, name);
}
