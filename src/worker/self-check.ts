/**
 * After saving, the engine opens the image again and checks it: every cluster that is used is counted, every
 * count is used. The saved file itself is read where the browser lets us (Blob, picked file, own storage); a
 * streamed or compressed one is out of reach, so its bytes are checked as they were sent.
 */
import type { ReadableDevice } from '../engine/device/device.ts';
import { DiskwrightError } from '../engine/errors.ts';
import { findFormat } from '../engine/formats/index.ts';
import type { FileLayout } from '../engine/image/layout.ts';
import { LayoutDevice } from '../engine/image/layout-device.ts';
import { FileDevice } from '../platform/browser/file-device.ts';
import { asOperation } from './as-operation.ts';
import type { SelfCheck } from './engine-client.ts';
import { pump } from './pump.ts';

/** Findings that the page shows. */
const SHOWN = 5;

/**
 * `file` is what was saved, if it can be read. Undefined: this format has nothing to check. The file is saved
 * by now, so an image that cannot be opened is a verdict, not a failure.
 */
export function selfCheck(
  format: string,
  layout: FileLayout,
  file: Blob | undefined,
  onProgress: (done: number, total: number) => void,
  signal: AbortSignal,
): Promise<SelfCheck | undefined> {
  const device = file ? new FileDevice(file) : new LayoutDevice(layout);
  return checkDevice(format, device, file ? 'file' : 'sent', onProgress, signal);
}

/** The same of any device, which is closed afterwards. */
export async function checkDevice(
  format: string,
  device: ReadableDevice,
  read: SelfCheck['read'],
  onProgress: (done: number, total: number) => void,
  signal: AbortSignal,
): Promise<SelfCheck | undefined> {
  const driver = await findFormat(format)?.load();
  if (!driver?.check) return undefined;
  try {
    const { corruptions, leaks, findings } = await pump(
      asOperation(driver.check(device)),
      { write: () => {}, zeros: () => {}, progress: ({ done, total }) => onProgress(done, total) },
      signal,
    );
    const verdict = corruptions + leaks === 0 ? 'sound' : 'damaged';
    return { verdict, findings: findings.slice(0, SHOWN).map(({ text }) => text), read };
  } catch (error) {
    if (signal.aborted || !(error instanceof DiskwrightError)) throw error;
    return { verdict: error.kind === 'io' ? 'unread' : 'damaged', findings: [error.message], read };
  } finally {
    device.close();
  }
}
