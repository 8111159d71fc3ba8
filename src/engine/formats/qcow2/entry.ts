/**
 * L1, L2 and refcount table entries as two 32-bit words; never parsed into objects (contract:
 * qcow2-format.md §4, §5).
 *
 *   L1      63 COPIED · 55…9 L2 table offset · others reserved
 *   L2      63 COPIED · 62 compressed · 55…9 host offset · 0 reads as zeros (not with extended L2) · others reserved
 *   L2 compressed   61…x additional sectors, x−1…0 host byte offset, with x = 62 − (cluster bits − 8)
 *   refcount table  63…9 refcount block offset · 8…0 reserved
 */
const TWO_32 = 0x1_0000_0000;

export const COPIED = 0x8000_0000;
export const COMPRESSED = 0x4000_0000;
/** Bit 0 of the lower word. */
export const READS_ZERO = 1;

/** Offset in bits 55…9, in bytes. */
export const offsetOf = (upper: number, lower: number): number =>
  (upper & 0x00ff_ffff) * TWO_32 + ((lower & ~0x1ff) >>> 0);

/** Reserved bits of an L1 entry: 62…56 and 8…0. */
export const l1Reserved = (upper: number, lower: number): boolean =>
  (upper & 0x7f00_0000) !== 0 || (lower & 0x1ff) !== 0;

/** Reserved bits of a standard L2 entry: 61…56 and 8…1; with extended L2 bit 0 is left to the reader. */
export const l2Reserved = (upper: number, lower: number): boolean =>
  (upper & 0x3f00_0000) !== 0 || (lower & 0x1fe) !== 0;

export const Kind = { unallocated: 0, zeroPlain: 1, zeroAllocated: 2, normal: 3, compressed: 4 } as const;
export type Kind = (typeof Kind)[keyof typeof Kind];

/**
 * What a standard entry says. With an external data file guest cluster 0 may lie at host offset 0, told from
 * an unallocated one by COPIED; once it reads as zeros it keeps no place there, whatever COPIED says.
 */
export function kindOf(upper: number, lower: number, dataFile: boolean): Kind {
  if ((upper & COMPRESSED) !== 0) return Kind.compressed;
  const placed = offsetOf(upper, lower) !== 0;
  if ((lower & READS_ZERO) !== 0) return placed ? Kind.zeroAllocated : Kind.zeroPlain;
  return placed || (dataFile && (upper & COPIED) !== 0) ? Kind.normal : Kind.unallocated;
}

/**
 * What an extended entry says of its cluster as a whole; `allocated` and `zero` are the halves of its bitmap,
 * one bit per subcluster.
 */
export function extendedKindOf(upper: number, lower: number, allocated: number, zero: number, dataFile: boolean): Kind {
  if ((upper & COMPRESSED) !== 0) return Kind.compressed;
  const placed = offsetOf(upper, lower) !== 0 || (dataFile && (upper & COPIED) !== 0);
  if (placed) return allocated === 0 && zero !== 0 ? Kind.zeroAllocated : Kind.normal;
  return zero !== 0 ? Kind.zeroPlain : Kind.unallocated;
}

/** Host bytes [at, at + length) that hold a compressed cluster, length up to the end of its last sector. */
export function compressedRange(upper: number, lower: number, clusterBits: number): { at: number; length: number } {
  const offsetBits = 62 - (clusterBits - 8);
  // The border between the two fields lies in the upper word: cluster bits 9…21 give x = 61…49.
  const upperBits = offsetBits - 32;
  const sectors = (upper & 0x3fff_ffff) >>> upperBits;
  const at = ((upper & (2 ** upperBits - 1)) >>> 0) * TWO_32 + (lower >>> 0);
  return { at, length: (sectors + 1) * 512 - (at % 512) };
}
