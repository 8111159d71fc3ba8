/**
 * What a long engine operation yields to the pump that runs it. Operations are synchronous generators:
 * `return()` cancels them and `finally` cleans up.
 */
export type Step =
  /** Write these bytes at this offset. The buffer is used again after the next step. */
  | { readonly kind: 'emit'; readonly at: number; readonly bytes: Uint8Array }
  /** Take the space of this stretch: zeros are to be written (falloc, full). May be far beyond memory. */
  | { readonly kind: 'zeros'; readonly at: number; readonly length: number }
  | Progress;

/** `done` of `total` bytes to write; at least one per 8 MiB. */
export interface Progress {
  readonly kind: 'progress';
  readonly done: number;
  readonly total: number;
}

/** Work in steps: run it with `pump`, or by hand; `return()` cancels it. */
export type Operation<Result> = Generator<Step, Result, void>;
