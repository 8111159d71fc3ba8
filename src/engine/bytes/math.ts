/**
 * Whole-number arithmetic on offsets and sizes held in doubles.
 *
 * Exact up to 2^53, and beyond it for multiples of 512 up to 2^62 (a double keeps 53 significant
 * bits), which is what image sizes and cluster offsets are. Never use bitwise operators on these.
 */
export const divideUp = (value: number, by: number): number => Math.ceil(value / by);
export const roundUp = (value: number, to: number): number => Math.ceil(value / to) * to;

/** True for 1, 2, 4 … up to 2^53. */
export function isPowerOfTwo(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0 && 2 ** Math.round(Math.log2(value)) === value;
}

/** Base-two logarithm of a power of two. */
export const log2 = (powerOfTwo: number): number => Math.round(Math.log2(powerOfTwo));
