/** The installed qemu-img as the judge of a saved file. */
import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect } from '@playwright/test';
import { LayoutDigest } from '../../src/jobs/digest.ts';
import { dataRuns, imageInfo, qemuImg, qemuImgOrThrow } from '../../src/testing/oracle/qemu-tools.ts';
import type { SaveOrder } from '../../src/worker/engine-client.ts';

/** What `qemu-img create` makes of the same order. */
export function makeReference(order: SaveOrder, path: string, folder: string): string {
  const { size = '', ...others } = order.texts;
  const list = Object.entries(others).map(([name, value]) => `${name}=${value}`);
  const options = list.length > 0 ? ['-o', list.join(',')] : [];
  qemuImgOrThrow(['create', '-q', '-f', order.format, ...options, path, ...(size === '' ? [] : [size])], {
    cwd: folder,
  });
  return path;
}

/** The saved file is the reference byte for byte, and qemu-img opens it and finds nothing wrong. */
export function expectSameImage(saved: string, reference: string, format: string): void {
  expect(statSync(saved).size).toBe(statSync(reference).size);
  const { status, stdout, stderr } = spawnSync('cmp', [saved, reference], { encoding: 'utf8' });
  expect(`${stdout}${stderr}`, 'cmp with what qemu-img made').toBe('');
  expect(status).toBe(0);
  expect(imageInfo(saved).format).toBe(format);
  expect(imageInfo(saved)['virtual-size']).toBe(imageInfo(reference)['virtual-size']);
  if (format === 'qcow2')
    expect(qemuImg(['check', saved], { cwd: dirname(saved) }), 'qemu-img check').toMatchObject({ code: 0 });
}

export const sha256Of = (path: string): string =>
  execFileSync('sha256sum', [path], { encoding: 'utf8' }).split(' ')[0] ?? '';

/** The layout digest of any file on the disk, from its bytes. */
export function layoutDigestOf(path: string): string {
  const digest = new LayoutDigest(statSync(path).size);
  const file = openSync(path, 'r');
  const buffer = Buffer.alloc(1024 * 1024);
  for (const run of dataRuns(path)) {
    for (let at = run.at; at < run.at + run.length; ) {
      const got = readSync(file, buffer, 0, Math.min(buffer.length, run.at + run.length - at), at);
      digest.update(at, buffer.subarray(0, got));
      at += got;
    }
  }
  closeSync(file);
  return digest.finish();
}

export function gunzip(path: string): string {
  execFileSync('gzip', ['-df', path]);
  return path.replace(/\.gz$/, '');
}
