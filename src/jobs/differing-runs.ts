/** Where two buffers of one length differ, sector by sector. */

const SECTOR = 512;

function sectorDiffers(a: Uint8Array, b: Uint8Array, at: number): boolean {
  const end = Math.min(at + SECTOR, a.length);
  for (let i = at; i < end; i++) if (a[i] !== b[i]) return true;
  return false;
}

/** Stretches of whole sectors (the last may be short) in which every sector differs. */
export function* differingRuns(a: Uint8Array, b: Uint8Array): Generator<{ readonly at: number; readonly end: number }> {
  for (let at = 0; at < a.length; ) {
    if (!sectorDiffers(a, b, at)) {
      at += SECTOR;
      continue;
    }
    let end = at + SECTOR;
    while (end < a.length && sectorDiffers(a, b, end)) end += SECTOR;
    yield { at, end: Math.min(end, a.length) };
    at = end;
  }
}
