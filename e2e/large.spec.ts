/**
 * Files that no test disk holds. The picked file is a recorder of (position, length); the stream is
 * real and is cancelled after a while: what is proved there is that memory stays flat on the way.
 */
import { join } from 'node:path';
import { expect } from '@playwright/test';
import { recordingOf, recordWritables } from './support/fake-writable.ts';
import { fakePicker, listPrivateFiles, openHarness, order, removePrivateFile, save, test } from './support/harness.ts';
import { watchMemory } from './support/memory.ts';
import { layoutDigestOf, makeReference } from './support/oracle.ts';

const MiB = 1024 * 1024;
const GiB = 1024 * MiB;

test('1 TiB of metadata to a picked file: only the metadata is written', async ({ page, context, folder }) => {
  const what = order({ size: '1T', preallocation: 'metadata' });
  await fakePicker(page);
  await openHarness(page);
  await recordWritables(page);
  const memory = await watchMemory(context, page);
  const outcome = await save(page, what);
  const growth = await memory.stop();
  await removePrivateFile(page, 'disk.qcow2');
  expect(outcome).not.toHaveProperty('failure');
  if (!('report' in outcome)) return;
  const [file] = outcome.report.files;
  const recording = await recordingOf(page);
  expect(recording).toMatchObject({ bytes: file?.written, truncatedTo: file?.length, rising: true, closed: true });
  expect(file?.length).toBeGreaterThan(1024 * GiB);
  expect(file?.written).toBeLessThan(180 * MiB);
  expect(file?.sha256).toBeUndefined();
  // The digest is over content alone, so that of qemu-img's own file must be the same.
  expect(file?.layoutDigest).toBe(layoutDigestOf(makeReference(what, join(folder, 'reference'), folder)));
  expect(growth).toBeLessThan(256 * MiB);
});

test('100 GiB, all written, to a picked file: every byte counted, memory flat', async ({ page, context }) => {
  await fakePicker(page);
  await openHarness(page);
  await recordWritables(page);
  const memory = await watchMemory(context, page);
  const outcome = await save(page, order({ size: '100G', preallocation: 'full' }));
  const growth = await memory.stop();
  await removePrivateFile(page, 'disk.qcow2');
  if (!('report' in outcome)) throw new Error(JSON.stringify(outcome));
  const [file] = outcome.report.files;
  const recording = await recordingOf(page);
  expect(recording).toMatchObject({ bytes: file?.written, truncatedTo: file?.length, rising: true, closed: true });
  expect(file?.written).toBeGreaterThan(100 * GiB);
  expect(growth).toBeLessThan(256 * MiB);
});

test('100 GiB, all written, streamed: memory flat, and cancelled half-way nothing is kept', async ({
  page,
  context,
}) => {
  await openHarness(page, '?without=picked');
  const memory = await watchMemory(context, page);
  const begins = page.waitForEvent('download');
  const outcome = await save(page, order({ size: '100G', preallocation: 'full' }), 1.5 * GiB);
  const growth = await memory.stop();
  expect(outcome).toMatchObject({ failure: { kind: 'cancelled' } });
  expect(await (await begins).failure()).not.toBeNull();
  expect(await listPrivateFiles(page)).toEqual([]);
  expect(growth).toBeLessThan(256 * MiB);
});
