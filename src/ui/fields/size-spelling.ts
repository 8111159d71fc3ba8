/** Sizes in the form: qemu-img's spelling (`32G`) as people read it (`32 GiB`). */
import { parseQemuSize, printQemuSize } from '../../engine/bytes/size-text.ts';
import type { Measure } from '../../engine/bytes/units.ts';

/** Exact, never rounded: `1536M` → 1536 MiB, `513` → 513 bytes. Undefined for what is no size. */
export function spellSize(text: string): Measure | undefined {
  const reading = parseQemuSize(text);
  if (!reading.ok) return undefined;
  const [, value = '', letter = ''] = /^(\d+)([A-Z]?)$/.exec(printQemuSize(reading.bytes)) ?? [];
  return { value, unit: letter ? `${letter}iB` : value === '1' ? 'byte' : 'bytes' };
}

/** What the field shows for a text that was not typed there; what cannot be read is shown as it is. */
export function showSize(text: string | undefined): string {
  if (text === undefined) return '';
  const size = spellSize(text);
  return size ? `${size.value} ${size.unit}` : text;
}

export const bytesOf = (text: string | undefined): bigint | undefined => {
  const reading = text === undefined ? undefined : parseQemuSize(text);
  return reading?.ok ? reading.bytes : undefined;
};
