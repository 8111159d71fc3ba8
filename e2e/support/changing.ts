/** Opens images in the harness, changes them and takes what was saved. */
import { join } from 'node:path';
import { expect, type Page } from '@playwright/test';
import type { Change, ChangePlan, ChangeReport, PlannedChange } from '../../src/worker/change/protocol.ts';
import type { Sink } from '../../src/worker/engine-client.ts';
import type { ChangeOutcome } from '../harness/change.ts';
import { takePrivateFile } from './harness.ts';

export async function give(page: Page, ...files: readonly string[]): Promise<void> {
  await page.locator('#files').setInputFiles([...files]);
  expect(await page.evaluate(() => window.changing.open())).toBe(files.length);
}

export const plan = (page: Page, change: Change): Promise<ChangePlan> =>
  page.evaluate((change) => window.changing.plan(change), change);

export async function planned(page: Page, change: Change): Promise<PlannedChange> {
  const told = await plan(page, change);
  if (told.refused) throw new Error(told.refused.message);
  return told;
}

export const change = (page: Page, change: Change, sink: Sink, cancelAt?: number): Promise<ChangeOutcome> =>
  page.evaluate(([change, sink, cancelAt]) => window.changing.change({ change, sink, fileName: 'new.img' }, cancelAt), [
    change,
    sink,
    cancelAt,
  ] as const);

export interface Saved {
  readonly path: string;
  readonly outcome: ChangeOutcome;
  readonly report: Omit<ChangeReport, 'file'>;
}

/** Carries a change out and brings the saved file to the disk, whichever way it took. */
export async function saveChange(page: Page, what: Change, sink: Sink, folder: string): Promise<Saved> {
  const begins = sink === 'picked' ? undefined : page.waitForEvent('download');
  const outcome = await change(page, what, sink);
  expect(outcome.failure).toBeUndefined();
  const path = join(folder, `saved-${sink}`);
  if (begins) {
    const download = await begins;
    expect(await download.failure()).toBeNull();
    await download.saveAs(path);
  } else await takePrivateFile(page, 'new.img', path);
  return { path, outcome, report: outcome.report as Omit<ChangeReport, 'file'> };
}
