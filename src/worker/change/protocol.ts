/**
 * What the page asks of an image that is to be changed, and what it is told. Nothing is done to the file that was
 * dropped: a change is carried out on an overlay, and its result saved as a new file.
 *
 * First `plan`: the worker carries the change out in memory (tables; guest data only as references to where it stands),
 * so everything it tells is exact. Then `save`, which writes what was planned. A plan stays in the worker until another
 * is made.
 */
import type { RepairReport } from '../../engine/image/report.ts';
import type { Preallocation } from '../../engine/image/writable.ts';
import type { Sink } from '../../platform/browser/deliver/choose.ts';
import type { SelfCheck } from '../engine-client.ts';
import type { SuppliedFile, Trouble } from '../open/protocol.ts';

/** The very snapshot: names may repeat, and an id may be another one's name. */
export interface SnapshotPick {
  readonly id: string;
  readonly name: string;
}

/** What an image that is written anew becomes of its compressed clusters: they stay so, or are unpacked. */
export type CompressedClusters = 'keep' | 'unpack';

export type Change =
  | { readonly kind: 'repair'; readonly mode: 'leaks' | 'all' }
  | {
      readonly kind: 'resize';
      /** Bytes. */
      readonly size: number;
      /** Allows a smaller disk. */
      readonly shrink?: boolean;
      readonly preallocation?: Preallocation;
    }
  /** `name`: at most 255 bytes. */
  | { readonly kind: 'snapshot-create'; readonly name: string }
  | { readonly kind: 'snapshot-apply'; readonly snapshot: SnapshotPick }
  | { readonly kind: 'snapshot-delete'; readonly snapshot: SnapshotPick }
  /** The disk as the snapshot holds it, as an image that stands alone. */
  | {
      readonly kind: 'snapshot-extract';
      readonly snapshot: SnapshotPick;
      readonly format: 'qcow2' | 'raw';
      readonly compressed?: CompressedClusters;
    }
  /** What is absent stays. */
  | {
      readonly kind: 'amend';
      readonly compat?: '0.10' | '1.1';
      readonly refcountBits?: 1 | 2 | 4 | 8 | 16 | 32 | 64;
      readonly lazyRefcounts?: boolean;
    }
  | {
      readonly kind: 'rebase';
      /** `safe`: the disk stays what it is. `unsafe`: the name alone changes. */
      readonly mode: 'safe' | 'unsafe';
      /** As it is to be stored, with its format; absent: the image is to rest on none. */
      readonly backing?: { readonly name: string; readonly format: string };
      /** For `safe` with a backing image: it, and what it rests on. */
      readonly files?: readonly SuppliedFile[];
    }
  /** One image without what it rests on. */
  | { readonly kind: 'flatten'; readonly format: 'qcow2' | 'raw'; readonly compressed?: CompressedClusters }
  /** The same disk without zero and freed clusters; keeps options and backing image. */
  | {
      readonly kind: 'compact';
      readonly compressed?: CompressedClusters;
      /** Has to be said where there are snapshots: they do not come along. */
      readonly dropSnapshots?: boolean;
      /** Default `keep`. */
      readonly bitmaps?: 'keep' | 'drop';
    };

export type ChangeKind = Change['kind'];

/** Which changes this image can have at all; the reason where it cannot. */
export type ChangeOffers = Readonly<Record<ChangeKind, { readonly refused?: Trouble }>>;

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

export interface PlannedChange {
  /** Proposed; the name given to `change` is what counts. */
  readonly fileName: string;
  readonly before: { readonly length: number; readonly virtualSize?: number };
  /** `length` of the file; `written`: bytes of it that no hole saves; `changed`: that differ from the dropped file. */
  readonly after: {
    readonly length: number;
    readonly written: number;
    readonly changed: number;
    readonly virtualSize?: number;
  };
  readonly facts: readonly ChangeFact[];
  /** What the person loses or should know before saving. */
  readonly warnings: readonly string[];
  readonly commands: ChangeCommands;
  /** Of a repair: what was found, what is repaired, what is left. */
  readonly repair?: RepairReport;
  /** Nothing would be different: there is nothing to save. */
  readonly unchanged: boolean;
}

export type ChangePlan =
  | ({ readonly refused?: undefined } & PlannedChange)
  /** Why it cannot be done, and the command lines that say the same. */
  | { readonly refused: Trouble; readonly commands?: ChangeCommands };

export interface ChangeOrder {
  readonly change: Change;
  readonly fileName: string;
  /** Overrides the choice of sink. */
  readonly sink?: Sink;
}

export interface ChangeReport {
  readonly name: string;
  readonly length: number;
  readonly written: number;
  readonly sink: Sink;
  readonly milliseconds: number;
  /** The engine's own check of the result; absent for formats that have nothing to check. */
  readonly check?: SelfCheck;
  /** What was saved, to be opened straight away; absent where it was streamed out of reach. */
  readonly file?: File;
}

/** What the worker is asked. */
export type ChangeAsk =
  | { readonly kind: 'offers' }
  | { readonly kind: 'plan'; readonly change: Change }
  | { readonly kind: 'save'; readonly change: Change; readonly fileName: string }
  /** Lets go of what was planned. */
  | { readonly kind: 'forget' };

export interface ChangeAnswers {
  offers: ChangeOffers;
  plan: ChangePlan;
  save: ChangeReport;
  forget: undefined;
}
