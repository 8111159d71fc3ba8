/** Conversions on the harness page, with qemu-img as the judge of what is saved. */
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, statSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { expect, type Page } from '@playwright/test';
import { qemuImg } from '../../src/testing/oracle/qemu-tools.ts';
import type { ConvertReport } from '../../src/worker/convert/protocol.ts';
import type { ConvertOutcome, ConvertWish } from '../harness/main.ts';
import { takePrivateFile } from './harness.ts';

/** Gives files to an input on the page, which is made when it is first wanted. */
export async function give(page: Page, input: string, files: readonly string[]): Promise<void> {
  await page.evaluate((id) => {
    if (document.getElementById(id)) return;
    document.body.append(Object.assign(document.createElement('input'), { type: 'file', id, multiple: true }));
  }, input);
  await page.locator(`#${input}`).setInputFiles([...files]);
}

export const convert = (page: Page, wish: ConvertWish): Promise<ConvertOutcome> =>
  page.evaluate((wish) => window.harness.convert(wish), wish);

/** Converts and brings the result to the disk. */
export async function converted(page: Page, wish: ConvertWish, folder: string): Promise<[ConvertReport, string]> {
  const ends = wish.sink === 'picked' ? undefined : page.waitForEvent('download');
  ends?.catch(() => {});
  const outcome = await convert(page, wish);
  if (!('report' in outcome)) throw new Error(JSON.stringify(outcome));
  const path = join(folder, wish.fileName);
  if (!ends) await takePrivateFile(page, wish.fileName, path);
  else {
    const download = await ends;
    expect(await download.failure()).toBeNull();
    await download.saveAs(path);
  }
  const { report } = outcome;
  expect(report.files[0]).toMatchObject({ sink: wish.sink, length: statSync(path).size });
  if (wish.format === 'qcow2') expect(report.check).toMatchObject({ verdict: 'sound', findings: [] });
  return [report, path];
}

export function expectSameFile(mine: string, theirs: string): void {
  const { stdout, stderr } = spawnSync('cmp', [mine, theirs], { encoding: 'utf8' });
  expect(`${stdout}${stderr}`, `cmp ${basename(mine)} with what qemu-img made`).toBe('');
}

/** The same disk, and nothing wrong with the image. */
export function expectSameDisk(mine: string, format: string, theirs: string, theirFormat: string): void {
  const cwd = dirname(mine);
  expect(qemuImg(['compare', '-f', format, '-F', theirFormat, mine, theirs], { cwd }).stdout).toBe(
    'Images are identical.\n',
  );
  if (format === 'qcow2') expect(qemuImg(['check', '-f', format, mine], { cwd })).toMatchObject({ code: 0 });
}

/** Text-like, noise, and zeros of many lengths, at borders of sectors, blocks and clusters. */
export function mixedDisk(path: string, sectors: number, seed = 12345): string {
  const file = openSync(path, 'w');
  let state = seed;
  const random = (below: number): number => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  for (let at = 0; at < sectors; ) {
    const count = Math.min(sectors - at, 1 + random([1, 9, 40, 400, 3000][random(5)] ?? 1));
    const bytes = Buffer.alloc(count * 512);
    const kind = random(4);
    if (kind === 1) for (let i = 0; i < bytes.length; i++) bytes[i] = random(256);
    else if (kind > 1)
      bytes.write(`line ${at} of some text that says little `.repeat(bytes.length / 20).slice(0, bytes.length));
    writeSync(file, bytes, 0, bytes.length, at * 512);
    at += count;
  }
  closeSync(file);
  return path;
}
