/**
 * A raw image whose format nobody gave: whoever writes its first sector decides what it is taken for next time. So
 * that a guest cannot make its disk an image that names other files, what would be recognised is not written there.
 */
import { memoryDeviceOf } from '../../engine/device/memory.ts';
import { DiskwrightError } from '../../engine/errors.ts';
import { formats } from '../../engine/formats/index.ts';
import { readGuest } from '../../engine/image/access.ts';
import type { FormatDriver } from '../../engine/image/format.ts';
import type { WritableImage } from '../../engine/image/writable.ts';

const SECTOR = 512;

export const PROBED_RAW =
  'its format was not given and it looks raw; nothing is written to its first sector that would make it look otherwise (-f raw allows it)';

/** Forwards everything to `image`, whatever members it has, but looks at what goes into the first sector. */
export async function guardFirstSector(image: WritableImage): Promise<WritableImage> {
  const drivers: { name: string; driver: FormatDriver }[] = [];
  for (const spec of formats) if (spec.name !== 'raw') drivers.push({ name: spec.name, driver: await spec.load() });
  /** `change`: what the request does to the first sector. */
  const check = (at: number, length: number, change: (sector: Uint8Array) => void): void => {
    if (at < 0 || at >= SECTOR || length <= 0 || at + length > image.virtualSize) return;
    const sector = new Uint8Array(SECTOR);
    readGuest([image], 0, sector);
    change(sector);
    const device = memoryDeviceOf(sector);
    const other = drivers.find(({ driver }) => driver.probe(device) !== undefined);
    if (!other) return;
    throw new DiskwrightError('locked', `its first sector would look like that of a ${other.name} image`, {
      fix: 'If it is to be raw nevertheless: -f raw.',
    });
  };
  return {
    ...image,
    get virtualSize() {
      return image.virtualSize;
    },
    write(at, from) {
      check(at, from.length, (sector) => sector.set(from.subarray(0, SECTOR - at), at));
      image.write(at, from);
    },
    // A single zero may be what a magic lacks.
    zero(at, length, unmap) {
      check(at, length, (sector) => sector.fill(0, at, at + length));
      image.zero(at, length, unmap);
    },
    discard(at, length) {
      check(at, length, (sector) => sector.fill(0, at, at + length));
      image.discard(at, length);
    },
  };
}
