/** Reads from disks that lie one behind the other. */
import { readGuest } from '../../engine/image/access.ts';
import type { Source } from './stretches.ts';

/** Fills `into` from `at` of all disks together, across the borders between them. */
export function readDisks(sources: readonly Source[], at: number, into: Uint8Array): void {
  let start = 0;
  let done = 0;
  for (const { chain } of sources) {
    const end = start + chain[0].virtualSize;
    if (at + done < end && done < into.length) {
      const part = into.subarray(done, done + Math.min(into.length - done, end - at - done));
      readGuest(chain, at + done - start, part);
      done += part.length;
    }
    start = end;
  }
}
