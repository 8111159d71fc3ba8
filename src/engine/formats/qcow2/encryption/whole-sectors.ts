/**
 * Requests of a guest rounded to whole sectors, as an encrypted disk needs them: what of the first and last sector is
 * not asked for is written again as it was. Which parts of a zero request become bytes and which entries is QEMU's.
 */
import { roundUp } from '../../../bytes/math.ts';
import type { OldContent } from '../write/old-content.ts';
import { SECTOR } from './disk-cipher.ts';

interface Write {
  readonly at: number;
  readonly bytes: Uint8Array;
}

/** `from` with what stands around it in its first and last sector. */
export function wholeSectors(old: OldContent, at: number, from: Uint8Array): Write {
  const head = at % SECTOR;
  const end = at + from.length;
  if (from.length === 0 || (head === 0 && end % SECTOR === 0)) return { at, bytes: from };
  const bytes = new Uint8Array(roundUp(end, SECTOR) - (at - head));
  if (head > 0) old.read(at - head, bytes.subarray(0, SECTOR));
  if (end % SECTOR > 0 && (head === 0 || bytes.length > SECTOR)) {
    old.read(roundUp(end, SECTOR) - SECTOR, bytes.subarray(bytes.length - SECTOR));
  }
  bytes.set(from, head);
  return { at: at - head, bytes };
}

/** With `bytes` it is written as they are; without, whole sectors become zero. */
type ZeroPart = { readonly at: number; readonly length: number } | (Write & { readonly length: number });

/** The parts of a request for zeros, one after the other. */
export function* zerosBySectors(old: OldContent, at: number, length: number): Generator<ZeroPart> {
  const end = at + length;
  const first = roundUp(at, SECTOR);
  const last = end - (end % SECTOR);
  // One sector with something to keep, or two with something each, are written in one piece.
  const touched = roundUp(end, SECTOR) - (at - (at % SECTOR));
  const ragged = (first > at ? 1 : 0) + (end > last ? 1 : 0);
  if (ragged > 0 && (touched === SECTOR || touched === ragged * SECTOR)) {
    yield bytesOf(old, at, length);
    return;
  }
  if (first > at) yield bytesOf(old, at, first - at);
  if (last > first) yield { at: first, length: last - first };
  if (end > last) yield bytesOf(old, last, end - last);
}

function bytesOf(old: OldContent, at: number, length: number): ZeroPart {
  const whole = wholeSectors(old, at, new Uint8Array(length));
  return { at: whole.at, length: whole.bytes.length, bytes: whole.bytes };
}
