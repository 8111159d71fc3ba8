/**
 * What the page asks of an open image, and what it is told. Every question carries the files, so that a worker that
 * had to be ended takes up where the other left: the session is a cache.
 */

import type { KindRun } from '../../engine/image/cluster-kinds.ts';
import type { Facts, SnapshotFacts } from '../../engine/image/description.ts';
import type { ClusterOwner, Landmark } from '../../engine/image/exploration.ts';
import type { NamedField } from '../../engine/image/named-fields.ts';
import type { DiskLayout } from '../../engine/image/partitions.ts';
import type { CheckReport } from '../../engine/image/report.ts';
import type { Wrapping } from '../../engine/image/wrappings.ts';
import type { ReaderNote } from '../../jobs/readers.ts';

export interface SuppliedFile {
  readonly file: File;
  /** The person says that it is the file that an image calls so. */
  readonly as?: string;
  /** UTF-8, where the image is encrypted and the person has given it. Another one is another order. */
  readonly passphrase?: Uint8Array;
}

/** An encrypted image of the chain whose disk cannot be read. */
export interface LockedImage {
  readonly name: string;
  readonly kind: 'luks' | 'aes';
  /** A passphrase was given, and it does not open the disk. */
  readonly wrong: boolean;
}

export interface OpenOrder {
  /** Another id is another image. */
  readonly id: string;
  /** The image is the one that no other refers to. */
  readonly files: readonly SuppliedFile[];
}

/** Why something cannot be had. */
export interface Trouble {
  readonly message: string;
  readonly fix?: string;
}

export interface MissingFile {
  readonly role: 'backing image' | 'data file';
  /** As the image calls it. */
  readonly name: string;
  readonly format?: string;
  /** The image that names it. */
  readonly by: string;
  /** No file can be it: a network address, a JSON text. */
  readonly never?: string;
}

export interface LayerReport {
  readonly role: 'backing image' | 'data file';
  readonly name: string;
  readonly length: number;
  readonly format: string;
  readonly virtualSize?: number;
}

export interface OpenReport {
  readonly name: string;
  /** Bytes of the image file; of what was unpacked. */
  readonly length: number;
  /** It came out of this file. */
  readonly packed?: { readonly name: string; readonly length: number; readonly note?: string };
  readonly format: string;
  readonly label: string;
  readonly reason: string;
  /** It is no image, but may hold one. */
  readonly wrapping?: Wrapping;
  readonly virtualSize?: number;
  readonly clusterSize?: number;
  readonly encrypted: boolean;
  readonly dirty: boolean;
  readonly facts?: Facts;
  readonly snapshots: readonly SnapshotFacts[];
  readonly dataFile?: string;
  /** Text of `qemu-img info --output=json`; absent where the format cannot tell about itself so far. */
  readonly json?: string;
  /** What the image rests on, from the top. */
  readonly below: readonly LayerReport[];
  readonly missing: readonly MissingFile[];
  readonly locked: readonly LockedImage[];
  /** Dropped as well, and of no use here. */
  readonly spare: readonly string[];
  /** The image cannot be opened. */
  readonly problem?: Trouble;
  /** Its disk cannot be read. */
  readonly diskProblem?: Trouble;
  readonly disk?: DiskLayout;
  readonly readers: readonly ReaderNote[];
  readonly can: { readonly map: boolean; readonly check: boolean };
}

/** `file`: the image file's own bytes; `guest`: the disk. */
export type Space = 'file' | 'guest';

/** A stretch of the disk, in the terms of `qemu-img map`. */
export interface DiskRun {
  readonly start: number;
  readonly length: number;
  readonly depth: number;
  readonly present: boolean;
  readonly zero: boolean;
  readonly data: boolean;
  readonly offset?: number;
}

export interface MapSummary {
  readonly clusterSize: number;
  readonly fileClusters: number;
  readonly guestClusters: number;
  readonly complete: boolean;
  /** Clusters of each kind. */
  readonly fileCounts: Float64Array;
  readonly guestCounts: Float64Array;
  readonly landmarks: readonly Landmark[];
  readonly notes: readonly string[];
}

export interface CellReport {
  readonly counts: Float64Array;
  /** For one cluster of the file. */
  readonly owner?: ClusterOwner;
  readonly refcount?: number;
  /** For one cluster of the disk: where its entries stand, and its bytes. */
  readonly entries?: readonly number[];
  readonly host?: { readonly at?: number; readonly depth: number; readonly kind: string };
  readonly trouble?: Trouble;
}

export interface BytesReport {
  readonly bytes: Uint8Array;
  readonly fields: readonly NamedField[];
  /** What the first of them is, if it is known: a number of ClusterKind. */
  readonly kind?: number;
  readonly trouble?: Trouble;
}

export interface Extraction {
  readonly space: Space;
  readonly at: number;
  readonly length: number;
  readonly fileName: string;
}

export type Ask =
  | { readonly kind: 'open' }
  /** Reads all tables; `complete` afterwards. */
  | { readonly kind: 'map' }
  | { readonly kind: 'summary' }
  | {
      readonly kind: 'cells';
      readonly space: Space;
      readonly first: number;
      readonly perCell: number;
      readonly count: number;
    }
  | { readonly kind: 'cell'; readonly space: Space; readonly first: number; readonly count: number }
  | { readonly kind: 'runs'; readonly first: number; readonly limit: number }
  | { readonly kind: 'disk-runs'; readonly from: number; readonly limit: number }
  | { readonly kind: 'find'; readonly space: Space; readonly of: number; readonly from: number }
  | { readonly kind: 'bytes'; readonly space: Space; readonly at: number; readonly length: number }
  | { readonly kind: 'check' }
  | { readonly kind: 'extract'; readonly extraction: Extraction }
  /** Bytes that were read from the files so far. */
  | { readonly kind: 'meter' }
  | { readonly kind: 'close' };

export interface AskAnswers {
  open: OpenReport;
  map: MapSummary;
  summary: MapSummary;
  cells: Uint8Array;
  cell: CellReport;
  runs: readonly KindRun[];
  'disk-runs': readonly DiskRun[];
  /** Cluster number, −1: none. */
  find: number;
  bytes: BytesReport;
  check: CheckReport;
  extract: { readonly name: string; readonly length: number; readonly written: number; readonly milliseconds: number };
  meter: number;
  close: undefined;
}

export type { CheckReport, DiskLayout, KindRun, NamedField, ReaderNote };
