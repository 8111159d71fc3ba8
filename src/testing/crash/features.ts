/** What an operation made an image do, read from the file before and after it. */
import type { FlatDevice } from './flat-device.ts';

export const FEATURES = [
  'L1 growth',
  'refcount table growth',
  'new refcount block',
  'L2 copy on write',
  'snapshot create',
  'snapshot apply',
  'snapshot delete',
  'resize up',
  'resize down',
  'preallocation',
  'compressed write',
  'write',
  'zero',
  'discard',
  'lazy refcounts',
  'refcount width',
  'bitmap',
] as const;
export type Feature = (typeof FEATURES)[number];

interface Structures {
  readonly l1At: number;
  readonly l1: readonly string[];
  readonly tableAt: number;
  readonly blocks: number;
}

export function structuresOf(file: FlatDevice): Structures {
  const { buffer, byteOffset, byteLength } = file.bytes;
  const view = new DataView(buffer, byteOffset, byteLength);
  const clusterSize = 2 ** view.getUint32(20);
  const l1At = Number(view.getBigUint64(40));
  const entries = view.getUint32(36);
  const l1: string[] = [];
  for (let i = 0; i < entries; i++) {
    const at = l1At + i * 8;
    l1.push(at + 8 <= byteLength ? (view.getBigUint64(at) & 0x00ff_ffff_ffff_fe00n).toString() : '0');
  }
  const tableAt = Number(view.getBigUint64(48));
  const tableEnd = Math.min(tableAt + view.getUint32(56) * clusterSize, byteLength);
  let blocks = 0;
  for (let at = tableAt; at + 8 <= tableEnd; at += 8) if (view.getBigUint64(at) !== 0n) blocks++;
  return { l1At, l1, tableAt, blocks };
}

/** Which tables moved or came; `guestWrite`: the operation changed data, so a moved L2 table was copied for it. */
export function tableFeatures(before: Structures, after: Structures, guestWrite: boolean): Feature[] {
  const found: Feature[] = [];
  if (before.l1At !== after.l1At && before.l1.length > 0) found.push('L1 growth');
  if (before.tableAt !== after.tableAt) found.push('refcount table growth');
  if (after.blocks > before.blocks) found.push('new refcount block');
  const moved = before.l1.some((entry, i) => entry !== '0' && after.l1[i] !== '0' && after.l1[i] !== entry);
  if (guestWrite && moved) found.push('L2 copy on write');
  return found;
}
