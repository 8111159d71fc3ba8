/** Where the upper images of a chain have something of their own, as against what they rest on. */
import type { Chain } from '../engine/image/access.ts';
import type { OpenImage } from '../engine/image/image.ts';

export interface AllocatedRun {
  readonly allocated: boolean;
  /** How far that is so, at least one byte. */
  readonly length: number;
}

/**
 * Whether one of the first `count` images of the chain has the byte at `at`. Behind the end of an image the disk
 * reads as zeros whatever lies below, so there it counts as having it.
 */
export function allocatedAbove(chain: Chain, count: number, at: number, length: number): AllocatedRun {
  let left = length;
  for (let depth = 0; depth < count; depth++) {
    const image = chain[depth] as OpenImage;
    if (at >= image.virtualSize) return { allocated: true, length: left };
    const extent = image.locate(at, Math.min(left, image.virtualSize - at));
    left = extent.length;
    if (extent.kind !== 'absent') return { allocated: true, length: left };
  }
  return { allocated: false, length: left };
}
