/** `npm run bench:browser`: click to file for a blank image, the rate of each sink, and memory growth. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { pageUrl } from '../playwright.config.ts';
import { recordWritables } from './support/fake-writable.ts';
import { fakePicker, openHarness, order, removePrivateFile, save, test } from './support/harness.ts';
import { watchMemory } from './support/memory.ts';

test.setTimeout(600_000);

const MiB = 1024 * 1024;
const rows: string[][] = [];
const row = (...cells: (string | number)[]) => rows.push(cells.map(String));
const median = (values: number[]): number => values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

test.afterAll(() => {
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0)));
  for (const cells of rows) console.log(cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  '));
});

test('blank image: from the click to the file', async ({ page, folder }) => {
  row('case', 'time', 'rate', 'renderer growth');
  const times: number[] = [];
  const built: number[] = [];
  for (let run = 0; run < 7; run++) {
    await page.goto(`${pageUrl}`);
    const button = page.getByRole('button', { name: /^Build and save/ });
    await button.waitFor();
    await page.waitForTimeout(700);
    await page.evaluate(() => {
      addEventListener('click', () => Reflect.set(window, 'clickedAt', performance.now()), {
        capture: true,
        once: true,
      });
      const click = HTMLAnchorElement.prototype.click;
      HTMLAnchorElement.prototype.click = function () {
        Reflect.set(window, 'offeredAt', performance.now());
        click.call(this);
      };
    });
    const began = Date.now();
    const [download] = await Promise.all([page.waitForEvent('download'), button.click()]);
    const path = join(folder, `${run}`);
    await download.saveAs(path);
    if (statSync(path).size === 0) throw new Error('an empty file was saved');
    times.push(Date.now() - began);
    built.push(
      await page.evaluate(() => Number(Reflect.get(window, 'offeredAt')) - Number(Reflect.get(window, 'clickedAt'))),
    );
  }
  row('blank qcow2 32 GiB, click → handed to the browser', `${median(built).toFixed(0)} ms`, '', '');
  row('blank qcow2 32 GiB, click → file on disk (through Playwright)', `${median(times)} ms`, '', '');
});

for (const [sink, query] of [
  ['picked', ''],
  ['stream', '?without=picked'],
  ['opfs', '?without=picked,stream'],
] as const) {
  for (const gzip of [false, true]) {
    test(`${sink}${gzip ? ', compressed' : ''}`, async ({ page, context }) => {
      await fakePicker(page);
      await openHarness(page, query);
      const memory = await watchMemory(context, page);
      const ends = sink === 'picked' ? undefined : page.waitForEvent('download');
      const began = performance.now();
      const fileThere = ends?.then(async (download) => {
        await download.path();
        return performance.now() - began;
      });
      const outcome = await save(page, order({ size: '1G', preallocation: 'full' }, { gzip }));
      if (!('report' in outcome)) throw new Error(JSON.stringify(outcome));
      const seconds = Math.max((await fileThere) ?? 0, outcome.report.milliseconds) / 1000;
      const growth = await memory.stop();
      if (sink === 'picked') await removePrivateFile(page, gzip ? 'disk.qcow2.gz' : 'disk.qcow2');
      const rate = `${(1024 / seconds).toFixed(0)} MiB/s`;
      row(
        `${sink}, full 1 GiB${gzip ? ', .gz' : ''}`,
        `${seconds.toFixed(2)} s`,
        rate,
        `${(growth / MiB).toFixed(0)} MiB`,
      );
    });
  }
}

for (const [name, texts] of [
  ['metadata 1 TiB', { size: '1T', preallocation: 'metadata' }],
  ['metadata 256 MiB, 512-byte clusters', { size: '256M', preallocation: 'metadata', cluster_size: '512' }],
  ['metadata 8 GiB, 4 KiB clusters', { size: '8G', preallocation: 'metadata', cluster_size: '4096' }],
] as const) {
  for (const recorded of [false, true]) {
    if (!recorded && texts.size === '1T') continue;
    test(`${name}${recorded ? ', recorded' : ''}`, async ({ page, context }) => {
      await fakePicker(page);
      await openHarness(page);
      if (recorded) await recordWritables(page);
      const memory = await watchMemory(context, page);
      const outcome = await save(page, order(texts));
      const growth = await memory.stop();
      await removePrivateFile(page, 'disk.qcow2');
      if (!('report' in outcome)) throw new Error(JSON.stringify(outcome));
      const seconds = outcome.report.milliseconds / 1000;
      const written = outcome.report.files[0]?.written ?? 0;
      row(
        `picked${recorded ? ' (recorder, no disk)' : ''}, ${name}`,
        `${seconds.toFixed(2)} s`,
        `${(written / MiB / seconds).toFixed(0)} MiB/s`,
        `${(growth / MiB).toFixed(0)} MiB`,
      );
    });
  }
}
