/** What a check or a repair of an image finds: data, never thrown. */

export interface Finding {
  /**
   * `failure`: something could not be looked at or not be repaired, so that the verdict is incomplete; `note`: what a
   * repair does, no finding at all.
   */
  readonly severity: 'leak' | 'corruption' | 'failure' | 'note';
  /** What is wrong and where, one sentence without its full stop. */
  readonly text: string;
  /** Nothing is wrong any more. */
  readonly repaired?: true;
  /** A cluster whose stored refcount differs from the references that were found. */
  readonly counts?: { readonly cluster: number; readonly stored: number; readonly references: number };
  /** A table entry that is marked as the only reference and is not, or the other way round. */
  readonly copied?: { readonly l1Index?: number; readonly entry: bigint; readonly stored: number };
}

/** The verdict, in the terms of `qemu-img check`. */
export interface CheckReport {
  readonly corruptions: number;
  readonly leaks: number;
  /** How often something could not be looked at or repaired. */
  readonly failures: number;
  /** Clusters of the disk. */
  readonly totalClusters: number;
  readonly allocatedClusters: number;
  readonly fragmentedClusters: number;
  readonly compressedClusters: number;
  /** One past the last cluster in use, in bytes. */
  readonly imageEndOffset: number;
  /** The first findings in the order in which they came up, and how many more there were. */
  readonly findings: readonly Finding[];
  readonly moreFindings: number;
}

export type RepairMode = 'leaks' | 'all';

export interface RepairReport {
  /** What was found, and what is left of it: repaired findings count below only. */
  readonly found: CheckReport;
  readonly corruptionsFixed: number;
  readonly leaksFixed: number;
  /** Why nothing was repaired although there is something to repair. */
  readonly refused?: string;
  /** The check that follows when something was repaired. */
  readonly again?: CheckReport;
}

/** How far a check has come. */
export interface CheckProgress {
  /** Bytes of tables looked at, and an upper bound of them. */
  readonly done: number;
  readonly total: number;
}
