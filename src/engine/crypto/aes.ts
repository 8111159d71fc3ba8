/**
 * AES (FIPS 197) over runs of blocks, in place, by tables of four bytes' work each ("T-tables"). Words are
 * little-endian, as a block stands in memory. Nothing is allocated per block: the modes above hand whole sectors over.
 *
 * Its twin in the tests is @noble/ciphers.
 */
import { assert } from '../errors.ts';

const SBOX = new Uint8Array(256);
const INVERSE_SBOX = new Uint8Array(256);
/** What one byte of a column becomes in a round; the other rows are the same, rotated. */
const E = Array.from({ length: 4 }, () => new Int32Array(256));
const D = Array.from({ length: 4 }, () => new Int32Array(256));
const [E0, E1, E2, E3] = E as [Int32Array, Int32Array, Int32Array, Int32Array];
const [D0, D1, D2, D3] = D as [Int32Array, Int32Array, Int32Array, Int32Array];

const double = (byte: number): number => ((byte << 1) ^ (byte & 0x80 ? 0x11b : 0)) & 0xff;
const rotated = (word: number, bytes: number): number => (word << (8 * bytes)) | (word >>> (32 - 8 * bytes));

function makeTables(): void {
  // Powers of the generator 3 give every byte's inverse.
  const power = new Uint8Array(256);
  const log = new Uint8Array(256);
  for (let i = 0, value = 1; i < 255; i++, value ^= double(value)) {
    power[i] = value;
    log[value] = i;
  }
  const times = (a: number, b: number): number =>
    a === 0 || b === 0 ? 0 : (power[((log[a] ?? 0) + (log[b] ?? 0)) % 255] ?? 0);
  for (let byte = 0; byte < 256; byte++) {
    let inverse = byte === 0 ? 0 : (power[(255 - (log[byte] ?? 0)) % 255] ?? 0);
    let substitute = 0x63;
    for (let bit = 0; bit < 5; bit++) {
      substitute ^= inverse;
      inverse = ((inverse << 1) | (inverse >>> 7)) & 0xff;
    }
    SBOX[byte] = substitute;
    INVERSE_SBOX[substitute] = byte;
  }
  for (let byte = 0; byte < 256; byte++) {
    const s = SBOX[byte] ?? 0;
    const i = INVERSE_SBOX[byte] ?? 0;
    const forth = times(s, 2) | (s << 8) | (s << 16) | (times(s, 3) << 24);
    const back = times(i, 14) | (times(i, 9) << 8) | (times(i, 13) << 16) | (times(i, 11) << 24);
    E.forEach((table, row) => {
      table[byte] = row === 0 ? forth : rotated(forth, row);
    });
    D.forEach((table, row) => {
      table[byte] = row === 0 ? back : rotated(back, row);
    });
  }
}
makeTables();

const substituted = (word: number): number =>
  (SBOX[word & 0xff] as number) |
  ((SBOX[(word >>> 8) & 0xff] as number) << 8) |
  ((SBOX[(word >>> 16) & 0xff] as number) << 16) |
  ((SBOX[word >>> 24] as number) << 24);

/** Four words for each round and four before the first. */
function expandKey(key: Uint8Array): Int32Array {
  const words = key.length / 4;
  const expanded = new Int32Array(4 * (words + 7));
  const view = new DataView(key.buffer, key.byteOffset, key.length);
  for (let i = 0; i < words; i++) expanded[i] = view.getInt32(4 * i, true);
  for (let i = words, constant = 1; i < expanded.length; i++) {
    let word = expanded[i - 1] as number;
    if (i % words === 0) {
      word = substituted(rotated(word, 3)) ^ constant;
      constant = double(constant);
    } else if (words > 6 && i % words === 4) word = substituted(word);
    expanded[i] = (expanded[i - words] as number) ^ word;
  }
  return expanded;
}

/** The same keys for going back: rounds in reverse, the inner ones mixed. */
function invertKey(forth: Int32Array): Int32Array {
  const back = new Int32Array(forth.length);
  for (let i = 0; i < forth.length; i += 4) {
    for (let j = 0; j < 4; j++) {
      const word = forth[forth.length - 4 - i + j] as number;
      const inner = i > 0 && i < forth.length - 4;
      back[i + j] = inner
        ? (D0[SBOX[word & 0xff] as number] as number) ^
          (D1[SBOX[(word >>> 8) & 0xff] as number] as number) ^
          (D2[SBOX[(word >>> 16) & 0xff] as number] as number) ^
          (D3[SBOX[word >>> 24] as number] as number)
        : word;
    }
  }
  return back;
}

export const BLOCK = 16;

export class Aes {
  readonly #forth: Int32Array;
  readonly #back: Int32Array;

  constructor(key: Uint8Array) {
    assert([16, 24, 32].includes(key.length), `AES has no key of ${key.length} bytes`);
    this.#forth = expandKey(key);
    this.#back = invertKey(this.#forth);
  }

  /**
   * Blocks [at, end) of `data`, each combined with a mask of four words before and after: `mask` has them one behind
   * the other. Zeros make it the bare cipher (ECB), the doubled tweaks of XTS make it XTS.
   */
  encrypt(data: DataView, at: number, end: number, mask: Int32Array): void {
    // Named here: what stands outside of the function is looked up again for every byte, which costs a third.
    const keys = this.#forth;
    const t0 = E0;
    const t1 = E1;
    const t2 = E2;
    const t3 = E3;
    const box = SBOX;
    const last = keys.length - 4;
    for (let i = at, m = 0; i < end; i += 16, m += 4) {
      const m0 = mask[m] as number;
      const m1 = mask[m + 1] as number;
      const m2 = mask[m + 2] as number;
      const m3 = mask[m + 3] as number;
      let a = data.getInt32(i, true) ^ m0 ^ (keys[0] as number);
      let b = data.getInt32(i + 4, true) ^ m1 ^ (keys[1] as number);
      let c = data.getInt32(i + 8, true) ^ m2 ^ (keys[2] as number);
      let d = data.getInt32(i + 12, true) ^ m3 ^ (keys[3] as number);
      for (let k = 4; k < last; k += 4) {
        const e =
          (t0[a & 0xff] as number) ^
          (t1[(b >>> 8) & 0xff] as number) ^
          (t2[(c >>> 16) & 0xff] as number) ^
          (t3[d >>> 24] as number) ^
          (keys[k] as number);
        const f =
          (t0[b & 0xff] as number) ^
          (t1[(c >>> 8) & 0xff] as number) ^
          (t2[(d >>> 16) & 0xff] as number) ^
          (t3[a >>> 24] as number) ^
          (keys[k + 1] as number);
        const g =
          (t0[c & 0xff] as number) ^
          (t1[(d >>> 8) & 0xff] as number) ^
          (t2[(a >>> 16) & 0xff] as number) ^
          (t3[b >>> 24] as number) ^
          (keys[k + 2] as number);
        d =
          (t0[d & 0xff] as number) ^
          (t1[(a >>> 8) & 0xff] as number) ^
          (t2[(b >>> 16) & 0xff] as number) ^
          (t3[c >>> 24] as number) ^
          (keys[k + 3] as number);
        a = e;
        b = f;
        c = g;
      }
      data.setInt32(i, finish(box, a, b, c, d) ^ (keys[last] as number) ^ m0, true);
      data.setInt32(i + 4, finish(box, b, c, d, a) ^ (keys[last + 1] as number) ^ m1, true);
      data.setInt32(i + 8, finish(box, c, d, a, b) ^ (keys[last + 2] as number) ^ m2, true);
      data.setInt32(i + 12, finish(box, d, a, b, c) ^ (keys[last + 3] as number) ^ m3, true);
    }
  }

  /** The way back, with the same masks. */
  decrypt(data: DataView, at: number, end: number, mask: Int32Array): void {
    const keys = this.#back;
    const t0 = D0;
    const t1 = D1;
    const t2 = D2;
    const t3 = D3;
    const box = INVERSE_SBOX;
    const last = keys.length - 4;
    for (let i = at, m = 0; i < end; i += 16, m += 4) {
      const m0 = mask[m] as number;
      const m1 = mask[m + 1] as number;
      const m2 = mask[m + 2] as number;
      const m3 = mask[m + 3] as number;
      let a = data.getInt32(i, true) ^ m0 ^ (keys[0] as number);
      let b = data.getInt32(i + 4, true) ^ m1 ^ (keys[1] as number);
      let c = data.getInt32(i + 8, true) ^ m2 ^ (keys[2] as number);
      let d = data.getInt32(i + 12, true) ^ m3 ^ (keys[3] as number);
      for (let k = 4; k < last; k += 4) {
        const e =
          (t0[a & 0xff] as number) ^
          (t1[(d >>> 8) & 0xff] as number) ^
          (t2[(c >>> 16) & 0xff] as number) ^
          (t3[b >>> 24] as number) ^
          (keys[k] as number);
        const f =
          (t0[b & 0xff] as number) ^
          (t1[(a >>> 8) & 0xff] as number) ^
          (t2[(d >>> 16) & 0xff] as number) ^
          (t3[c >>> 24] as number) ^
          (keys[k + 1] as number);
        const g =
          (t0[c & 0xff] as number) ^
          (t1[(b >>> 8) & 0xff] as number) ^
          (t2[(a >>> 16) & 0xff] as number) ^
          (t3[d >>> 24] as number) ^
          (keys[k + 2] as number);
        d =
          (t0[d & 0xff] as number) ^
          (t1[(c >>> 8) & 0xff] as number) ^
          (t2[(b >>> 16) & 0xff] as number) ^
          (t3[a >>> 24] as number) ^
          (keys[k + 3] as number);
        a = e;
        b = f;
        c = g;
      }
      data.setInt32(i, finish(box, a, d, c, b) ^ (keys[last] as number) ^ m0, true);
      data.setInt32(i + 4, finish(box, b, a, d, c) ^ (keys[last + 1] as number) ^ m1, true);
      data.setInt32(i + 8, finish(box, c, b, a, d) ^ (keys[last + 2] as number) ^ m2, true);
      data.setInt32(i + 12, finish(box, d, c, b, a) ^ (keys[last + 3] as number) ^ m3, true);
    }
  }

  /** The key is gone afterwards. */
  clear(): void {
    this.#forth.fill(0);
    this.#back.fill(0);
  }
}

/** The last round of one column: no mixing. */
function finish(box: Uint8Array, a: number, b: number, c: number, d: number): number {
  return (
    (box[a & 0xff] as number) |
    ((box[(b >>> 8) & 0xff] as number) << 8) |
    ((box[(c >>> 16) & 0xff] as number) << 16) |
    ((box[d >>> 24] as number) << 24)
  );
}
