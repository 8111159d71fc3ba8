/**
 * Big-endian 64-bit integers as two 32-bit words, without BigInt.
 *
 * The upper word is an ordinary number; callers set flag bits (COPIED is bit 63, that is bit 31 of
 * the upper word) by passing `upperFlags`.
 */
const TWO_32 = 0x1_0000_0000;

/** Writes `value` (a non-negative whole number, exact as a double) at byte `at`. */
export function putU64(view: DataView, at: number, value: number, upperFlags = 0): void {
  const upper = Math.floor(value / TWO_32);
  view.setUint32(at, (upper | upperFlags) >>> 0);
  view.setUint32(at + 4, value - upper * TWO_32);
}

/** Reads the 64-bit integer at byte `at`; exact only while it fits a double. */
export function getU64(view: DataView, at: number): number {
  return view.getUint32(at) * TWO_32 + view.getUint32(at + 4);
}

/** Reads it without loss; for header fields that are range-checked before they become numbers. */
export function getBigU64(view: DataView, at: number, littleEndian = false): bigint {
  return view.getBigUint64(at, littleEndian);
}
