/** Feature bits and the names by which other programs report them (contract: qcow2-format.md §2, §3). */
import { ascii, struct, u8, type Values } from '../../bytes/struct.ts';

export const Incompatible = {
  dirty: 1n << 0n,
  corrupt: 1n << 1n,
  externalDataFile: 1n << 2n,
  compressionType: 1n << 3n,
  extendedL2: 1n << 4n,
} as const;

/** All bits that opening understands. */
export const KNOWN_INCOMPATIBLE = Object.values(Incompatible).reduce((mask, bit) => mask | bit, 0n);

export const Compatible = { lazyRefcounts: 1n << 0n } as const;

export const Autoclear = { bitmaps: 1n << 0n, rawExternalData: 1n << 1n } as const;

/** One row of the feature name table: 48 bytes. */
const featureName = struct('feature name', 'big', { kind: u8, bit: u8, name: ascii(46) });

export type FeatureName = Values<typeof featureName>;

/** Rows as qemu-img writes them; kind 0 incompatible, 1 compatible, 2 autoclear. */
const rows: readonly (readonly [kind: number, bit: number, name: string])[] = [
  [0, 0, 'dirty bit'],
  [0, 1, 'corrupt bit'],
  [0, 2, 'external data file'],
  [0, 3, 'compression type'],
  [0, 4, 'extended L2 entries'],
  [1, 0, 'lazy refcounts'],
  [2, 0, 'bitmaps'],
  [2, 1, 'raw external data'],
];

export function featureNameTable(): Uint8Array {
  const table = new Uint8Array(rows.length * featureName.size);
  for (const [i, [kind, bit, name]] of rows.entries()) {
    featureName.write({ kind, bit, name }, table, i * featureName.size);
  }
  return table;
}

/** Rows of a table as another program may have written it; a part of a row at its end is left out. */
export function parseFeatureNames(table: Uint8Array): readonly FeatureName[] {
  const count = Math.floor(table.length / featureName.size);
  return Array.from({ length: count }, (_, i) => featureName.read(table, i * featureName.size));
}
