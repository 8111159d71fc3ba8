/** Bytes with a name: what a hex view says beside the bytes. */

/** Where one gets to from here. */
export interface Place {
  readonly space: 'file' | 'guest';
  readonly at: number;
}

export interface NamedField {
  readonly at: number;
  readonly length: number;
  readonly name: string;
  /** As a person reads it. */
  readonly value: string;
  /** What it means. */
  readonly note?: string;
  readonly leads?: Place;
}
