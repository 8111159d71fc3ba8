/** What a check of an image finds: data, never thrown. */

export interface Finding {
  readonly severity: 'leak' | 'corruption';
  /** What is wrong and where, one sentence without its full stop. */
  readonly text: string;
  /** A cluster whose stored refcount differs from the references that were found. */
  readonly counts?: { readonly cluster: number; readonly stored: number; readonly references: number };
  /** A table entry that is marked as the only reference and is not, or the other way round. */
  readonly copied?: { readonly l1Index?: number; readonly entry: bigint; readonly stored: number };
}

/** The verdict, in the terms of `qemu-img check`. */
export interface CheckReport {
  readonly corruptions: number;
  readonly leaks: number;
  /** Clusters of the disk. */
  readonly totalClusters: number;
  readonly allocatedClusters: number;
  readonly fragmentedClusters: number;
  readonly compressedClusters: number;
  /** One past the last cluster in use, in bytes. */
  readonly imageEndOffset: number;
  /** The first findings; `corruptions` and `leaks` count all of them. */
  readonly findings: readonly Finding[];
}

export interface CheckProgress {
  /** Bytes of tables looked at, and an upper bound of them. */
  readonly done: number;
  readonly total: number;
}
