/** Compares two sparse devices at a cost that follows what they hold, not how long they are. */
import type { ReadableDevice } from '../../engine/device/device.ts';

const PIECE = 1024 * 1024;

function differenceWhere(one: ReadableDevice, other: ReadableDevice): number {
  const mine = Buffer.alloc(PIECE);
  const theirs = Buffer.alloc(PIECE);
  for (const run of one.runs(0, one.size)) {
    if (run.kind === 'hole') continue;
    for (let done = 0; done < run.length; done += PIECE) {
      const length = Math.min(PIECE, run.length - done);
      const [left, right] = [mine.subarray(0, length), theirs.subarray(0, length)];
      one.read(run.at + done, left);
      other.read(run.at + done, right);
      if (!left.equals(right)) return run.at + done + left.findIndex((byte, i) => byte !== right[i]);
    }
  }
  return -1;
}

/** The first difference in words (lengths, or a byte), undefined if there is none. Whatever is not data is zeros. */
export function deviceDifference(ours: ReadableDevice, wanted: ReadableDevice): string | undefined {
  if (ours.size !== wanted.size) return `length ${ours.size}, expected ${wanted.size}`;
  const places = [differenceWhere(ours, wanted), differenceWhere(wanted, ours)].filter((place) => place >= 0);
  return places.length === 0 ? undefined : `byte ${Math.min(...places)}`;
}
