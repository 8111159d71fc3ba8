/** Open in the other engine: files are read, unpacked, drawn and checked there as well. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect } from '@playwright/test';
import { qemuImgOrThrow, qemuIo } from '../src/testing/oracle/qemu-tools.ts';
import { legendCount, mapComplete, named, openFiles, test } from './support/open-image.ts';

test('an image is opened, unpacked, drawn and checked in Firefox', async ({ page, folder }) => {
  const file = join(folder, 'a.qcow2');
  qemuImgOrThrow(['create', '-q', '-f', 'qcow2', file, '1G']);
  qemuIo(['-c', 'write -P 65 5M 1M', file]);
  writeFileSync(`${file}.gz`, gzipSync(readFileSync(file)));
  await openFiles(page, [`${file}.gz`]);
  await expect(page.getByRole('heading', { name: 'a.qcow2', exact: true })).toBeVisible();
  await mapComplete(page);
  expect(await legendCount(page, 'Data')).toBe(16);
  await page.getByRole('button', { name: 'Check the image' }).click();
  await expect(named(page, 'Check').locator('.verdict')).toHaveText('Nothing is wrong');
  const bytes = named(page, 'Bytes');
  await bytes.getByText('Disk', { exact: true }).click();
  await expect(bytes).toContainText('of the guest disk');
  const field = bytes.getByLabel('Go to byte');
  // Typed: the driver's own way of filling a field reaches no listener of the page here.
  await field.click();
  await field.pressSequentially('5M');
  await field.press('Enter');
  await expect(bytes.locator('.hex__letters').first()).toHaveText(/^A+$/);
});
