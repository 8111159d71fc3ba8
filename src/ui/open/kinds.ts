/** The words and the looks of what a cluster can be. Hue says the family, texture the level. */
import { groupDigits } from '../../engine/bytes/units.ts';
import { ClusterKind } from '../../engine/image/cluster-kinds.ts';
import type { Space } from '../../worker/open/protocol.ts';

export type Texture = 'solid' | 'diagonal' | 'rows' | 'columns' | 'dots' | 'cross' | 'frame' | 'banded';

export interface KindLook {
  readonly kind: number;
  readonly name: string;
  /** In a sentence behind a number: one, and more. */
  readonly words: readonly [one: string, more: string];
  /** Of the disk's clusters, where it has another. */
  readonly guestName?: string;
  readonly colour: 'header' | 'refcount' | 'address' | 'data' | 'snapshot' | 'bitmap' | 'bad';
  readonly texture: Texture;
}

/** In the order of the legend. */
export const LOOKS: readonly KindLook[] = [
  { kind: ClusterKind.header, name: 'Header', words: ['header', 'headers'], colour: 'header', texture: 'solid' },
  {
    kind: ClusterKind.refcountTable,
    name: 'Refcount table',
    words: ['cluster of the refcount table', 'clusters of the refcount table'],
    colour: 'refcount',
    texture: 'solid',
  },
  {
    kind: ClusterKind.refcountBlock,
    name: 'Refcount blocks',
    words: ['refcount block', 'refcount blocks'],
    colour: 'refcount',
    texture: 'diagonal',
  },
  {
    kind: ClusterKind.l1,
    name: 'L1',
    words: ['cluster of the L1 table', 'clusters of the L1 table'],
    colour: 'address',
    texture: 'solid',
  },
  { kind: ClusterKind.l2, name: 'L2 tables', words: ['L2 table', 'L2 tables'], colour: 'address', texture: 'diagonal' },
  { kind: ClusterKind.data, name: 'Data', words: ['data', 'data'], colour: 'data', texture: 'solid' },
  {
    kind: ClusterKind.compressed,
    name: 'Compressed',
    words: ['compressed', 'compressed'],
    colour: 'data',
    texture: 'rows',
  },
  {
    kind: ClusterKind.zero,
    name: 'Zeros, place kept',
    words: ['zeros', 'zeros'],
    guestName: 'Zeros',
    colour: 'data',
    texture: 'frame',
  },
  { kind: ClusterKind.shared, name: 'Shared', words: ['shared', 'shared'], colour: 'data', texture: 'banded' },
  {
    kind: ClusterKind.snapshotData,
    name: 'Snapshot data',
    words: ['of snapshots', 'of snapshots'],
    colour: 'snapshot',
    texture: 'columns',
  },
  {
    kind: ClusterKind.snapshotTable,
    name: 'Snapshot tables',
    words: ['snapshot table', 'snapshot tables'],
    colour: 'snapshot',
    texture: 'solid',
  },
  {
    kind: ClusterKind.bitmap,
    name: 'Bitmaps',
    words: ['of bitmaps', 'of bitmaps'],
    colour: 'bitmap',
    texture: 'solid',
  },
  {
    kind: ClusterKind.encryption,
    name: 'Encryption header',
    words: ['of the encryption header', 'of the encryption header'],
    colour: 'header',
    texture: 'diagonal',
  },
  {
    kind: ClusterKind.free,
    name: 'Free',
    words: ['free', 'free'],
    guestName: 'Not in this file',
    colour: 'data',
    texture: 'dots',
  },
  { kind: ClusterKind.leaked, name: 'Leaked', words: ['leaked', 'leaked'], colour: 'bad', texture: 'frame' },
  {
    kind: ClusterKind.conflict,
    name: 'Contradiction',
    words: ['contradiction', 'contradictions'],
    colour: 'bad',
    texture: 'cross',
  },
];

const byKind = new Map(LOOKS.map((look) => [look.kind, look]));

export const lookOf = (kind: number): KindLook => byKind.get(kind) ?? (LOOKS[0] as KindLook);

export const nameOf = (kind: number, space: Space = 'file'): string => {
  const look = lookOf(kind);
  return space === 'guest' ? (look.guestName ?? look.name) : look.name;
};

/** `3 leaked`, `1 L2 table`; of the disk what is free is not in the file. */
export function countOf(count: number, kind: number, space: Space): string {
  const [one, more] =
    space === 'guest' && kind === ClusterKind.free ? ['not in this file', 'not in this file'] : lookOf(kind).words;
  return `${groupDigits(count)} ${count === 1 ? one : more}`;
}
