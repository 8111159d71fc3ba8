/**
 * `npm run bench:browser`: conversions of 1 GiB of mixed data (40 % text, 20 % noise, 40 % zeros), each beside reading
 * the bare file with `File.stream()` in the same page, and memory growth.
 */
import { createCipheriv } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Sink } from '../src/worker/engine-client.ts';
import { convert, give } from './support/convert.ts';
import { fakePicker, openHarness, removePrivateFile, test } from './support/harness.ts';
import { watchMemory } from './support/memory.ts';

test.setTimeout(600_000);

const MiB = 1024 * 1024;
const LENGTH = 1024;
const rows: string[] = [];
test.afterAll(() => {
  for (const row of rows) console.log(row);
});

function mixed(path: string): string {
  const file = openSync(path, 'w');
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16, 1), Buffer.alloc(16));
  const zeros = Buffer.alloc(MiB);
  const words = 'the of and disk image cluster header table block offset guest host error open read write'.split(' ');
  let state = 1;
  for (let i = 0; i < LENGTH; i++) {
    const kind = (i * 7) % 10;
    let text = '';
    while (kind < 4 && text.length < MiB) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      text += `${words[state % words.length]}${state % 7 === 0 ? `${state % 10007}\n` : ' '}`;
    }
    const bytes = kind < 4 ? Buffer.from(text.slice(0, MiB)) : kind < 6 ? cipher.update(zeros) : zeros;
    writeSync(file, bytes, 0, MiB, i * MiB);
  }
  closeSync(file);
  return path;
}

const cases: readonly [Sink, string, boolean][] = [
  ['picked', 'qcow2', false],
  ['picked', 'raw', false],
  ['opfs', 'qcow2', false],
  ['stream', 'qcow2', false],
  ['stream', 'raw', false],
  ['picked', 'qcow2', true],
  ['opfs', 'qcow2', true],
];

test('conversions beside File.stream()', async ({ page, context, folder }) => {
  await fakePicker(page);
  await openHarness(page);
  page.on('download', (download) => download.path().catch(() => {}));
  await give(page, 'source', [mixed(join(folder, 'mixed.raw'))]);
  const bare = () =>
    page.evaluate(async () => {
      const file = (document.getElementById('source') as HTMLInputElement).files?.[0];
      const reader = file?.stream().getReader();
      const began = performance.now();
      while (reader && !(await reader.read()).done);
      return performance.now() - began;
    });
  rows.push('conversion                  rate        of File.stream()   growth');
  for (const [sink, format, compressed] of cases) {
    const before = await bare();
    const memory = await watchMemory(context, page);
    const wish = { format, texts: {}, fileName: 'mine', sink };
    const outcome = await convert(page, compressed ? { ...wish, compress: { level: 6 } } : wish);
    const growth = await memory.stop();
    if (!('report' in outcome)) throw new Error(JSON.stringify(outcome));
    if (sink === 'picked') await removePrivateFile(page, 'mine');
    const { milliseconds } = outcome.report;
    const ratio = (before + (await bare())) / 2 / milliseconds;
    const name = `${format}${compressed ? ', compressed' : ''} → ${sink}`;
    const rate = `${((LENGTH * 1000) / milliseconds).toFixed(0)} MiB/s`;
    rows.push(`${name.padEnd(27)} ${rate.padEnd(11)} ${ratio.toFixed(2).padEnd(18)} ${(growth / MiB).toFixed(0)} MiB`);
  }
});
