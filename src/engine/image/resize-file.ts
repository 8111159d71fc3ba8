/**
 * A file that ends with the disk gets another length (contract: systems.md row 16). What is new is a hole, or zeros
 * that take their space. If that fails half-way, or is left, the file has its old length again.
 */
import { MAX_TRANSFER, type WritableDevice } from '../device/device.ts';
import { DiskwrightError } from '../errors.ts';
import type { ResizeRequest, Steps } from './writable.ts';

/** Lengths are signed 64-bit numbers on every host. */
const MAX_LENGTH = 2 ** 63 - 512;

/** `size`: of the disk, which begins at `start` of the file. */
export function* resizeFile(
  format: string,
  device: WritableDevice,
  start: number,
  { size, preallocation }: ResizeRequest,
): Steps {
  if (preallocation === 'metadata') {
    throw new DiskwrightError('invalid-option', `${format}: there is no metadata that could be preallocated.`, {
      fix: 'Choose falloc or full, or no preallocation.',
    });
  }
  const length = start + size;
  if (length > MAX_LENGTH) throw new DiskwrightError('out-of-range', `${format}: a file ends below 8 EiB.`);
  const before = device.size;
  if (preallocation === 'off') {
    device.resize(length);
    return;
  }
  if (length < before) {
    throw new DiskwrightError('invalid-option', `${format}: space is taken in advance only where the disk grows.`);
  }
  let finished = false;
  try {
    const total = length - before;
    for (let done = 0; done < total; ) {
      const part = Math.min(MAX_TRANSFER, total - done);
      device.zero(before + done, part);
      done += part;
      yield { done, total };
    }
    device.flush();
    finished = true;
  } finally {
    if (!finished) device.resize(before);
  }
}
