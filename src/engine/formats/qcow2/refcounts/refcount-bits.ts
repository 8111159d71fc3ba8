/**
 * The counts of a refcount block, 1 to 64 bits wide (contract: qcow2-format.md §4). Widths of 8 bits and more are
 * big-endian; narrower ones fill each byte from its low bits. Nothing here allocates.
 */
const TWO_32 = 0x1_0000_0000;

/** The largest count that a width can hold and that is exact here. */
export const mostOf = (bits: number): number => (bits >= 53 ? Number.MAX_SAFE_INTEGER : 2 ** bits - 1);

/** The count in `slot`; above 2^53 inexact. */
export function refcountAt(block: DataView, slot: number, bits: number): number {
  switch (bits) {
    case 16:
      return block.getUint16(slot * 2);
    case 8:
      return block.getUint8(slot);
    case 32:
      return block.getUint32(slot * 4);
    case 64:
      return block.getUint32(slot * 8) * TWO_32 + block.getUint32(slot * 8 + 4);
    default: {
      const bit = slot * bits;
      return (block.getUint8(bit >>> 3) >> (bit & 7)) & ((1 << bits) - 1);
    }
  }
}

/** Sets the count in `slot`; it must fit. */
export function setRefcount(block: DataView, slot: number, bits: number, count: number): void {
  switch (bits) {
    case 16:
      block.setUint16(slot * 2, count);
      return;
    case 8:
      block.setUint8(slot, count);
      return;
    case 32:
      block.setUint32(slot * 4, count);
      return;
    case 64:
      block.setUint32(slot * 8, Math.floor(count / TWO_32));
      block.setUint32(slot * 8 + 4, count % TWO_32);
      return;
    default: {
      const bit = slot * bits;
      const mask = (1 << bits) - 1;
      const shift = bit & 7;
      const rest = block.getUint8(bit >>> 3) & ~(mask << shift);
      block.setUint8(bit >>> 3, rest | (count << shift));
    }
  }
}

/** The block as words of its own width, good for telling 0 from anything else; bytes for narrower counts. */
function wordsOf(block: DataView, bits: number): Uint8Array | Uint16Array | Uint32Array | Float64Array {
  const { buffer, byteOffset, byteLength } = block;
  if (bits === 16) return new Uint16Array(buffer, byteOffset, byteLength / 2);
  if (bits === 32) return new Uint32Array(buffer, byteOffset, byteLength / 4);
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** First slot of [from, to) whose count is 0 (`free`) or is not, −1 if there is none. */
function firstSlot(block: DataView, bits: number, from: number, to: number, free: boolean): number {
  if (bits === 16 || bits === 32 || bits === 8) {
    const words = wordsOf(block, bits);
    for (let slot = from; slot < to; slot++) if ((words[slot] === 0) === free) return slot;
    return -1;
  }
  if (bits === 64) {
    const words = wordsOf(block, 32);
    for (let slot = from; slot < to; slot++) {
      if ((((words[2 * slot] ?? 0) | (words[2 * slot + 1] ?? 0)) === 0) === free) return slot;
    }
    return -1;
  }
  const bytes = wordsOf(block, bits);
  const perByte = 8 / bits;
  for (let slot = from; slot < to; ) {
    // Whole bytes without a count are passed at once when a used slot is looked for.
    if (!free && slot % perByte === 0 && bytes[slot / perByte] === 0) slot += perByte;
    else if ((refcountAt(block, slot, bits) === 0) === free) return slot < to ? slot : -1;
    else slot++;
  }
  return -1;
}

export const firstFree = (block: DataView, bits: number, from: number, to: number): number =>
  firstSlot(block, bits, from, to, true);

export const firstUsed = (block: DataView, bits: number, from: number, to: number): number =>
  firstSlot(block, bits, from, to, false);
