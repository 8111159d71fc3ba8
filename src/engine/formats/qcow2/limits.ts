/** Limits of the format (contract: qcow2-format.md §9). All in bytes. */
import { headerEnd } from './header-size.ts';

export const MIN_CLUSTER_SIZE = 512;
export const MAX_CLUSTER_SIZE = 2 * 1024 * 1024;
/** Active or snapshot L1 table. */
export const MAX_L1_BYTES = 32 * 1024 * 1024;
export const MAX_REFCOUNT_TABLE_BYTES = 8 * 1024 * 1024;
export const MAX_BACKING_NAME = 1023;
export const MAX_SNAPSHOTS = 65536;
/** Host offsets have 56 bits. */
export const MAX_HOST_OFFSET = 2 ** 56;

/** Largest virtual size for a cluster size: a full L1 table times what one L2 table maps. */
export function largestDisk(clusterSize: number, extendedL2: boolean): number {
  return (MAX_L1_BYTES / 8) * (clusterSize / (extendedL2 ? 16 : 8)) * clusterSize;
}

/** How many bytes of backing file name fit behind the header and its extensions in the first cluster. */
export function backingNameRoom(values: {
  readonly clusterSize: bigint;
  readonly compat: '0.10' | '1.1';
  readonly backingFormat: string | undefined;
  readonly dataFile: string | undefined;
  readonly encryptFormat?: string | undefined;
}): number {
  return Number(values.clusterSize) - headerEnd(values);
}
