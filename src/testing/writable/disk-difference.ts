/** Compares what a chain of images shows with a sparse model, at a cost that follows the data and not the disk. */
import type { ReadableDevice } from '../../engine/device/device.ts';
import { type Chain, locateInChain, readExtent } from '../../engine/image/access.ts';
import type { OpenImage } from '../../engine/image/image.ts';

const PIECE = 1024 * 1024;

/** The first offset in [at, at + length) at which the two differ, −1 if none does. */
export function diskDifference(chain: Chain, model: ReadableDevice, at: number, length: number): number {
  const ours = Buffer.alloc(PIECE);
  const wanted = Buffer.alloc(PIECE);
  /** Compares a stretch with zeros where the image has no bytes. */
  const zerosDiffer = (from: number, bytes: number): number => {
    for (const run of model.runs(from, bytes)) {
      if (run.kind === 'hole') continue;
      for (let done = 0; done < run.length; done += PIECE) {
        const part = wanted.subarray(0, Math.min(PIECE, run.length - done));
        model.read(run.at + done, part);
        const place = part.findIndex((byte) => byte !== 0);
        if (place >= 0) return run.at + done + place;
      }
    }
    return -1;
  };
  for (let here = at; here < at + length; ) {
    const { extent, depth } = locateInChain(chain, here, at + length - here);
    if (extent.kind === 'zero' || extent.kind === 'absent') {
      const difference = zerosDiffer(here, extent.length);
      if (difference >= 0) return difference;
      here += extent.length;
      continue;
    }
    const part = Math.min(PIECE, extent.length);
    const got = ours.subarray(0, part).fill(0xee);
    readExtent(chain[depth] as OpenImage, { ...extent, length: part }, got);
    const right = wanted.subarray(0, part);
    model.read(here, right);
    if (!got.equals(right)) return here + got.findIndex((byte, i) => byte !== right[i]);
    here += part;
  }
  return -1;
}
