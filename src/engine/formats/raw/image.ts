/**
 * The open raw image: guest offset = file offset. A file that does not end on a sector reads as zeros up to the
 * end of its last one, and grows to there only when something is written there.
 */
import { roundUp } from '../../bytes/math.ts';
import { MAX_TRANSFER, type ReadableDevice } from '../../device/device.ts';
import { DiskwrightError } from '../../errors.ts';
import type { Extent, OpenImage } from '../../image/image.ts';
import { resizeFile } from '../../image/resize-file.ts';
import type { WritableDevices, WritableImage } from '../../image/writable.ts';

const SECTOR = 512;

export const diskSizeOf = (device: ReadableDevice): number => roundUp(device.size, SECTOR);

/** Holes of the file as the host tells them, one extent per run. */
function locateIn(device: ReadableDevice, at: number, length: number): Extent {
  for (const run of device.runs(at, length)) {
    if (run.kind === 'hole') return { kind: 'zero', at, length: run.length, host: at };
    return { kind: 'data', at, length: run.length, device, host: at };
  }
  throw new Error(`internal error: the file has no run at ${at}`);
}

export function openRaw(device: ReadableDevice): OpenImage {
  return { virtualSize: diskSizeOf(device), locate: (at, length) => locateIn(device, at, length) };
}

export function openWritableRaw({ image: device }: WritableDevices): WritableImage {
  const assertOnDisk = (at: number, length: number): void => {
    const size = diskSizeOf(device);
    if (at >= 0 && length >= 0 && at + length <= size) return;
    throw new DiskwrightError('out-of-range', `bytes ${at} to ${at + length} are not all on the disk of ${size}`);
  };
  return {
    get virtualSize() {
      return diskSizeOf(device);
    },
    locate: (at, length) => locateIn(device, at, length),
    write(at, from) {
      assertOnDisk(at, from.length);
      for (let done = 0; done < from.length; done += MAX_TRANSFER) {
        device.write(at + done, from.subarray(done, done + MAX_TRANSFER));
      }
    },
    zero(at, length) {
      assertOnDisk(at, length);
      device.zero(at, length);
    },
    discard(at, length) {
      assertOnDisk(at, length);
      // Giving up what lies behind the end of the file must not make the file longer.
      device.zero(at, Math.max(0, Math.min(length, device.size - at)));
    },
    flush: () => device.flush(),
    close: () => device.flush(),
    resize: (request) => resizeFile('raw', device, 0, request),
  };
}
