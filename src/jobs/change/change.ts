/** What can be done to an image as a whole. The image stays as it is: the result is a new one. */
import type { Preallocation } from '../../engine/image/writable.ts';

/** The very snapshot: names may repeat, and an id may be another one's name. */
export interface SnapshotPick {
  readonly id: string;
  readonly name: string;
}

/** What becomes of compressed clusters in an image that is written anew. */
export type CompressedClusters = 'keep' | 'unpack';

export interface Repair {
  readonly kind: 'repair';
  readonly mode: 'leaks' | 'all';
}

export interface Resize {
  readonly kind: 'resize';
  /** Bytes. */
  readonly size: number;
  /** Allows a smaller disk. */
  readonly shrink?: boolean;
  readonly preallocation?: Preallocation;
}

/** `name`: at most 255 bytes. */
export interface SnapshotCreate {
  readonly kind: 'snapshot-create';
  readonly name: string;
}

export interface SnapshotUse {
  readonly kind: 'snapshot-apply' | 'snapshot-delete';
  readonly snapshot: SnapshotPick;
}

/** What is absent stays. */
export interface Amend {
  readonly kind: 'amend';
  readonly compat?: '0.10' | '1.1';
  readonly refcountBits?: 1 | 2 | 4 | 8 | 16 | 32 | 64;
  readonly lazyRefcounts?: boolean;
}

export interface Rebase {
  readonly kind: 'rebase';
  /** `safe`: the disk stays what it is. `unsafe`: the name alone changes. */
  readonly mode: 'safe' | 'unsafe';
  /** As it is to be stored, with its format; absent: the image is to rest on none. */
  readonly backing?: { readonly name: string; readonly format: string };
}

/** The disk as the snapshot holds it, as an image that stands alone. */
export interface SnapshotExtract {
  readonly kind: 'snapshot-extract';
  readonly snapshot: SnapshotPick;
  readonly format: 'qcow2' | 'raw';
  readonly compressed?: CompressedClusters;
}

/** One image without what it rests on. */
export interface Flatten {
  readonly kind: 'flatten';
  readonly format: 'qcow2' | 'raw';
  readonly compressed?: CompressedClusters;
}

/** The same disk without zero and freed clusters; keeps options and backing image. */
export interface Compact {
  readonly kind: 'compact';
  readonly compressed?: CompressedClusters;
  /** Has to be said where there are snapshots: they do not come along. */
  readonly dropSnapshots?: boolean;
  /** Default `keep`. */
  readonly bitmaps?: 'keep' | 'drop';
}

/** Changes of tables, done in place on an overlay. */
export type ChangeInPlace = Repair | Resize | SnapshotCreate | SnapshotUse | Amend | Rebase;
/** Changes that lay the image out anew. */
export type Rewriting = SnapshotExtract | Flatten | Compact;

/** One thing that becomes different, in words: `Virtual size`, `1 GiB`, `2 GiB`. */
export interface ChangeFact {
  readonly label: string;
  readonly before?: string;
  readonly after: string;
}

/** Equal command lines, to be run one after the other in a shell. */
export interface ChangeCommands {
  /** Empty where qemu-img has nothing equal; `note` says what is different. */
  readonly qemuImg: readonly string[];
  readonly diskwright: readonly string[];
  readonly note?: string;
}
