/** What passes between a conversion and a worker that compresses, over a channel. Buffers travel by transfer. */

/** Units to compress, one behind the other. */
export interface PackOrder {
  readonly id: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly units: number;
  readonly unit: number;
  /** 1 … 9. */
  readonly level: number;
}

export interface PackAnswer {
  readonly id: number;
  /** The order's own, given back. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The compressed units, one behind the other, and the length of each; what does not shrink has its unit's length and no bytes. */
  readonly packed: Uint8Array<ArrayBuffer>;
  readonly lengths: readonly number[];
}
