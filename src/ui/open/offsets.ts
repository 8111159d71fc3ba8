/** Offsets as the page shows and reads them. */
import { parseTypedSize } from '../../engine/bytes/size-text.ts';
import { formatBytes, groupDigits } from '../../engine/bytes/units.ts';

export const hexOffset = (at: number): string => `0x${at.toString(16)}`;

/** `4.37 GiB (0x11800000)`; small ones exact. */
export const offsetText = (at: number): string => (at < 1024 ? String(at) : formatBytes(at));

/** What a person types to go somewhere: `4G`, `0x1000`, `1 MiB`, `65,536`. */
export function readOffset(text: string): number | undefined {
  const plain = text.trim().replaceAll(',', '');
  const hex = /^0x([0-9a-f]{1,13})$/i.exec(plain);
  if (hex) return Number.parseInt(hex[1] ?? '', 16);
  const read = parseTypedSize(plain);
  return read.ok && read.bytes <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(read.bytes) : undefined;
}

export const many = (count: number, one: string, more = `${one}s`): string =>
  `${groupDigits(count)} ${count === 1 ? one : more}`;
