/**
 * Changes the length of a plain file with every preallocation mode (contract: systems.md rows 15, 16): a
 * failure or a cancel while space is taken restores the old length.
 */
import type { WritableDevice } from '../engine/device/device.ts';
import { DiskwrightError } from '../engine/errors.ts';
import type { Operation } from './step.ts';

/** How space behind the old end is taken: not at all, from the old end on, or after the length is set. */
export type TruncateMode = 'off' | 'falloc' | 'full';

const STRETCH = 8 * 1024 * 1024;

/** Writes zeros behind the old end. Works on the device itself, because it must look back at its length. */
function* fill(device: WritableDevice, from: number, to: number): Operation<void> {
  const total = to - from;
  for (let at = from; at < to; at += STRETCH) {
    yield { kind: 'progress', done: at - from, total };
    device.zero(at, Math.min(STRETCH, to - at));
  }
  yield { kind: 'progress', done: total, total };
  device.flush();
}

/** The error that is thrown is the first one; that the length could not be restored is added to it. */
function restore(device: WritableDevice, oldSize: number, thrown: unknown): never {
  try {
    device.resize(oldSize);
  } catch {
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    const kind = thrown instanceof DiskwrightError ? thrown.kind : 'io';
    throw new DiskwrightError(kind, `${message}; and its old length of ${oldSize} bytes could not be restored`, {
      cause: thrown,
    });
  }
  throw thrown;
}

/** Gives a file another length, preallocating what is new if that is asked for; yields steps. */
export function* truncateDevice(device: WritableDevice, size: number, mode: TruncateMode): Operation<void> {
  const oldSize = device.size;
  if (mode === 'off') {
    device.resize(size);
    return;
  }
  if (size < oldSize) {
    throw new DiskwrightError('invalid-option', 'Preallocation cannot be used to make a file shorter.', {
      option: 'preallocation',
    });
  }
  let finished = false;
  try {
    if (mode === 'full') device.resize(size);
    yield* fill(device, oldSize, size);
    finished = true;
  } catch (thrown) {
    finished = true;
    restore(device, oldSize, thrown);
  } finally {
    // Cancelled between two steps: nothing was thrown here.
    if (!finished) device.resize(oldSize);
  }
}
