/** What an image says about itself, in the terms of `qemu-img info`. Nothing but the image is looked at. */
import type { BackingReference } from './format.ts';

/** Facts by QEMU's names, in its order where a list prints them. */
export interface Facts {
  readonly [name: string]: FactValue;
}
/** A value among an image's facts, as JSON has it. */
export type FactValue = string | number | bigint | boolean | Facts | readonly FactValue[];

/** An internal snapshot, as an image lists it. */
export interface SnapshotFacts {
  readonly id: string;
  readonly name: string;
  /** Bytes of the machine's saved memory. */
  readonly vmStateSize: bigint;
  readonly seconds: number;
  readonly nanoseconds: number;
  /** Guest nanoseconds. */
  readonly clock: bigint;
  /** Instructions executed; absent: not recorded. */
  readonly icount?: bigint;
}

/** What an image says about itself. */
export interface ImageDescription {
  /** Bytes of the disk. */
  readonly virtualSize: number;
  readonly clusterSize?: number;
  readonly encrypted?: boolean;
  /** Not closed cleanly: its refcounts may be behind. */
  readonly dirty?: boolean;
  readonly backing?: BackingReference;
  readonly snapshots?: readonly SnapshotFacts[];
  readonly specific?: { readonly type: string; readonly data: Facts };
}
