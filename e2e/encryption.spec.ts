/** Encrypted disks in the page, from the form to QEMU and back; the passphrase is found nowhere it should not be. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import AxeBuilder from '@axe-core/playwright';
import { expect, type Page } from '@playwright/test';
import { qemuImg, qemuImgOrThrow, qemuIo } from '../src/testing/oracle/qemu-tools.ts';
import { openFiles, test } from './support/open-image.ts';

const PASSPHRASE = 'oak river-candle, seven "marble" größe';

const SECRET = ['--object', 'secret,id=sec0,file=passphrase.txt'];

/** Everything that the page could keep. */
async function expectForgotten(page: Page): Promise<void> {
  const kept = await page.evaluate(async () => {
    const databases = await indexedDB.databases();
    const cached = await Promise.all((await caches.keys()).map(async (name) => (await caches.open(name)).keys()));
    return JSON.stringify([
      location.href,
      { ...localStorage },
      { ...sessionStorage },
      history.state,
      databases,
      cached.flat().map((request) => request.url),
      document.cookie,
      document.title,
      document.documentElement.outerHTML,
    ]);
  });
  const at = kept.indexOf('marble');
  expect(at < 0 ? '' : kept.slice(Math.max(0, at - 300), at)).toBe('');
}

async function expectAccessible(page: Page, state: string): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(
    violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`),
    `axe, ${state}`,
  ).toEqual([]);
}

async function makeEncrypted(page: Page, folder: string, format: 'qcow2' | 'luks'): Promise<string> {
  await page.goto('./');
  if (format === 'luks') await page.getByRole('radio', { name: 'LUKS', exact: true }).check();
  await page.getByRole('textbox', { name: 'Size' }).fill('20M');
  const fold = page.locator('details.fold', { hasText: 'Encryption' });
  if (format === 'qcow2') {
    await fold.locator('summary').click();
    await fold.getByRole('radio', { name: 'luks', exact: true }).check();
  }
  await fold.getByLabel('Time per try').fill('10');
  await page.getByRole('button', { name: /^Settle 1 problem/ }).click();
  const field = page.getByLabel('Passphrase', { exact: true });
  await expect(field).toBeFocused();
  await field.fill(PASSPHRASE);
  await expect(page.getByText('nobody guesses it')).toBeVisible();
  await expectAccessible(page, `the form of ${format}`);
  await expectForgotten(page);
  const go = page.getByRole('button', { name: /^Build and save/ });
  const [download] = await Promise.all([page.waitForEvent('download'), go.click()]);
  await expect(page.getByRole('heading', { name: /is saved$/ })).toBeVisible();
  await expect(page.getByText(/-object secret,id=sec0,file=passphrase.txt/).first()).toBeVisible();
  await expectForgotten(page);
  const path = join(folder, `disk.${format}`);
  await download.saveAs(path);
  return path;
}

test.beforeEach(({ folder }) => {
  writeFileSync(join(folder, 'passphrase.txt'), PASSPHRASE);
});

for (const format of ['qcow2', 'luks'] as const) {
  test(`${format}: made in the page, written by QEMU, looked at in the page again`, async ({ page, folder }) => {
    const path = await makeEncrypted(page, folder, format);
    const key = format === 'luks' ? 'key-secret' : 'encrypt.key-secret';
    const source = `driver=${format},file.filename=${path},${key}=sec0`;
    const line = [...SECRET, '--image-opts', source];
    const written = qemuIo([...line, '-c', 'write -P 0x41 3M 100k', '-c', 'write -P 0x42 0 600'], { cwd: folder });
    expect(written.code, written.stdout + written.stderr).toBe(0);
    if (format === 'qcow2') {
      expect(qemuImg(['check', ...line], { cwd: folder })).toMatchObject({ code: 0 });
    }
    const wrong = qemuIo(['--object', 'secret,id=sec0,data=no', '--image-opts', source, '-c', 'read 0 1'], {});
    expect(wrong.stderr).toMatch(/Invalid password/);

    await openFiles(page, [path]);
    const unlock = page.getByRole('button', { name: 'Look at the disk' });
    const field = page.getByLabel('Passphrase', { exact: true });
    await field.fill('no');
    await unlock.click();
    await expect(page.getByText(`This passphrase does not open disk.${format}.`)).toBeVisible();
    await expectAccessible(page, 'a locked image');
    await field.fill(PASSPHRASE);
    await unlock.click();
    await expect(unlock).toHaveCount(0);
    await expectForgotten(page);

    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Save disk.raw' }).click(),
    ]);
    const raw = join(folder, 'page.raw');
    await download.saveAs(raw);
    qemuImgOrThrow(['convert', ...line, '-O', 'raw', join(folder, 'qemu.raw')], { cwd: folder });
    expect(readFileSync(raw).equals(readFileSync(join(folder, 'qemu.raw')))).toBe(true);
  });
}
