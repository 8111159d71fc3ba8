/** Rows of a hex view: bytes grouped by the field they belong to. */
import type { NamedField } from '../../worker/open/protocol.ts';

export interface HexGroup {
  readonly text: string;
  /** Index of the field, −1: no name. */
  readonly field: number;
  readonly zero: boolean;
}

export interface HexRow {
  readonly at: number;
  readonly groups: readonly HexGroup[];
  readonly letters: string;
}

const letterOf = (byte: number): string => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '·');

/** The field that holds each byte, −1 for none. Fields are in order and do not overlap. */
function owners(at: number, length: number, fields: readonly NamedField[]): Int32Array {
  const owner = new Int32Array(length).fill(-1);
  for (const [index, field] of fields.entries()) {
    const from = Math.max(0, field.at - at);
    const to = Math.min(length, field.at + field.length - at);
    if (from < to) owner.fill(index, from, to);
  }
  return owner;
}

export function hexRows(at: number, bytes: Uint8Array, fields: readonly NamedField[], width: number): HexRow[] {
  const owner = owners(at, bytes.length, fields);
  const rows: HexRow[] = [];
  for (let from = 0; from < bytes.length; from += width) {
    const row = bytes.subarray(from, from + width);
    const groups: HexGroup[] = [];
    for (let i = 0; i < row.length; ) {
      const field = owner[from + i] ?? -1;
      let end = i + 1;
      // What has no name is grouped by eight.
      while (end < row.length && owner[from + end] === field && (field >= 0 || end % 8 !== 0)) end++;
      const part = row.subarray(i, end);
      groups.push({
        text: [...part].map((byte) => byte.toString(16).padStart(2, '0')).join(' '),
        field,
        zero: part.every((byte) => byte === 0),
      });
      i = end;
    }
    rows.push({ at: at + from, groups, letters: [...row].map(letterOf).join('') });
  }
  return rows;
}
