/** What opening knows of an image once its header has been validated (`open-header.ts`). */
/** Offsets in bytes. */
export interface ImageHeader {
  readonly version: 2 | 3;
  readonly clusterBits: number;
  readonly clusterSize: number;
  /** Bytes of the disk, whole sectors. */
  readonly virtualSize: number;
  readonly cryptMethod: number;
  readonly l1: { readonly offset: number; readonly entries: number };
  readonly refcountTable: { readonly offset: number; readonly clusters: number };
  readonly snapshots: { readonly offset: number; readonly count: number };
  readonly backingName: { readonly offset: number; readonly length: number };
  readonly incompatible: bigint;
  readonly compatible: bigint;
  readonly autoclear: bigint;
  readonly refcountBits: number;
  readonly headerLength: number;
  readonly compressionType: 'zlib' | 'zstd';
  readonly extendedL2: boolean;
}
