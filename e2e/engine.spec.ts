/** The worker behind the form: forecasts, recognising a file, and the OPFS device's contract. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from '@playwright/test';
import { openHarness, order, test } from './support/harness.ts';
import { makeReference } from './support/oracle.ts';

test('the OPFS device keeps the contract of all devices', async ({ page }) => {
  await openHarness(page);
  const results = await page.evaluate(() => window.harness.contract());
  expect(results.filter((one) => !one.startsWith('ok '))).toEqual([]);
  expect(results.length).toBeGreaterThan(10);
});

test('of many forecasts the newest arrives, the overtaken ones end as cancelled', async ({ page }) => {
  await openHarness(page);
  const outcomes = await page.evaluate(() => {
    const { client } = window.harness;
    const sizes = Array.from({ length: 30 }, (_, i) => `${i + 1}G`);
    return Promise.all(
      sizes.map((size) =>
        client.forecast({ format: 'qcow2', texts: { size } }).then(
          (report) => report.guestSize / 2 ** 30,
          (error) => String(error.kind),
        ),
      ),
    );
  });
  expect(outcomes.at(-1)).toBe(30);
  expect(outcomes.filter((one) => one === 'cancelled').length).toBeGreaterThanOrEqual(20);
});

test('a chosen file is recognised by its own bytes', async ({ page, folder }) => {
  await openHarness(page);
  const image = readFileSync(makeReference(order({ size: '3G' }), join(folder, 'image'), folder)).toString('base64');
  const found = await page.evaluate(async (image) => {
    const { client } = window.harness;
    const bytes = Uint8Array.from(atob(image), (one) => one.charCodeAt(0));
    return [
      await client.identify(new File([bytes], 'a.img')),
      await client.identify(new File([new Uint8Array(1000)], 'b.qcow2')),
    ];
  }, image);
  expect(found[0]).toMatchObject({ format: 'qcow2', virtualSize: 3 * 2 ** 30 });
  expect(found[1]).toMatchObject({ format: 'raw', virtualSize: 1024 });
});
