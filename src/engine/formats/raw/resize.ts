/**
 * A raw image gets another length. The file is the disk, so what is new is a hole, or zeros that take their space
 * (contract: systems.md row 16). If that fails half-way, or is left, the file has its old length again.
 */
import { MAX_TRANSFER, type WritableDevice } from '../../device/device.ts';
import { DiskwrightError } from '../../errors.ts';
import type { ResizeRequest, Steps } from '../../image/writable.ts';

/** Lengths are signed 64-bit numbers on every host. */
const MAX_LENGTH = 2 ** 63 - 512;

export function* resizeRaw(device: WritableDevice, { size, preallocation }: ResizeRequest): Steps {
  if (preallocation === 'metadata') {
    throw new DiskwrightError('invalid-option', 'raw: there is no metadata that could be preallocated.', {
      fix: 'Choose falloc or full, or no preallocation.',
    });
  }
  if (size > MAX_LENGTH) throw new DiskwrightError('out-of-range', 'raw: a file ends below 8 EiB.');
  const before = device.size;
  if (preallocation === 'off') {
    device.resize(size);
    return;
  }
  if (size < before) {
    throw new DiskwrightError('invalid-option', 'raw: space is taken in advance only where the disk grows.');
  }
  let finished = false;
  try {
    const total = size - before;
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
