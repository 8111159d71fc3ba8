/**
 * Inflates raw deflate data into a buffer of known length, and stops once it is full.
 *
 * Written here because a compressed cluster is hostile input of loosely known length: what follows the data is
 * junk, a bomb must end at the buffer's end, and a damaged stream must fail where zlib fails. Codes are decoded
 * through a small table first and bit by bit when they are longer, so that a table costs little to build.
 */
import { DiskwrightError } from '../errors.ts';

const damaged = (fact: string): DiskwrightError => new DiskwrightError('corrupt', `deflate data: ${fact}`);

const MAX_BITS = 15;
/** Codes up to this length are found by one look at a table. */
const QUICK_BITS = 10;

const LENGTH_BASE = [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115];
const lengthBase = Uint16Array.of(...LENGTH_BASE, 131, 163, 195, 227, 258);
const lengthExtra = Uint8Array.of(
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  1,
  1,
  1,
  1,
  2,
  2,
  2,
  2,
  3,
  3,
  3,
  3,
  4,
  4,
  4,
  4,
  5,
  5,
  5,
  5,
  0,
);
const distanceBase = Uint16Array.from({ length: 30 }, (_, i) =>
  i < 2 ? i + 1 : ((2 + (i & 1)) << ((i >> 1) - 1)) + 1,
);
const distanceExtra = Uint8Array.from({ length: 30 }, (_, i) => (i < 4 ? 0 : (i >> 1) - 1));
/** Order in which the lengths of the code of code lengths are stored. */
const LENGTH_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/** A canonical code: `quick` maps the next bits to symbol · 16 + length, 0 where the code is longer or none. */
class Code {
  readonly quick = new Uint16Array(1 << QUICK_BITS);
  readonly counts = new Uint16Array(MAX_BITS + 1);
  readonly symbols = new Uint16Array(288);

  /** Throws where zlib does: more codes than fit, or fewer (one code alone is allowed where `mayBeOne`). */
  build(lengths: Uint8Array, mayBeOne: boolean): void {
    const { quick, counts, symbols } = this;
    counts.fill(0);
    quick.fill(0);
    for (const length of lengths) counts[length] = (counts[length] ?? 0) + 1;
    counts[0] = 0;
    let left = 1;
    let longest = 0;
    for (let bits = 1; bits <= MAX_BITS; bits++) {
      left = left * 2 - (counts[bits] ?? 0);
      if (left < 0) throw damaged('a set of codes is larger than possible');
      if ((counts[bits] ?? 0) > 0) longest = bits;
    }
    if (left > 0 && !(mayBeOne && longest <= 1)) throw damaged('a set of codes is incomplete');
    const next = new Uint16Array(MAX_BITS + 2);
    const first = new Uint16Array(MAX_BITS + 2);
    for (let bits = 1; bits <= MAX_BITS; bits++) {
      next[bits + 1] = (next[bits] ?? 0) + (counts[bits] ?? 0);
      first[bits + 1] = ((first[bits] ?? 0) + (counts[bits] ?? 0)) << 1;
    }
    for (let symbol = 0; symbol < lengths.length; symbol++) {
      const length = lengths[symbol] ?? 0;
      if (length === 0) continue;
      const place = next[length] ?? 0;
      next[length] = place + 1;
      symbols[place] = symbol;
      const code = first[length] ?? 0;
      first[length] = code + 1;
      if (length > QUICK_BITS) continue;
      // Codes are stored with their first bit lowest.
      let reversed = 0;
      for (let i = 0; i < length; i++) if (code & (1 << i)) reversed |= 1 << (length - 1 - i);
      for (let i = reversed; i < 1 << QUICK_BITS; i += 1 << length) quick[i] = symbol * 16 + length;
    }
  }

  /** Symbol · 16 + length of a code that begins in the lowest of these bits. */
  slow(bits: number): number {
    let code = 0;
    let first = 0;
    let index = 0;
    for (let length = 1; length <= MAX_BITS; length++) {
      code |= (bits >>> (length - 1)) & 1;
      const count = this.counts[length] ?? 0;
      if (code - count < first) return (this.symbols[index + (code - first)] ?? 0) * 16 + length;
      index += count;
      first = (first + count) << 1;
      code <<= 1;
    }
    throw damaged('a code that means nothing');
  }
}

const fixedLengths = Uint8Array.from({ length: 288 }, (_, i) => (i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8));

class Inflater {
  readonly #input: Uint8Array;
  readonly #out: Uint8Array;
  readonly #literals = new Code();
  readonly #distances = new Code();
  #held = 0;
  #heldBits = 0;
  #at = 0;
  #done = 0;

  constructor(input: Uint8Array, out: Uint8Array) {
    this.#input = input;
    this.#out = out;
  }

  /** `toTheEnd`: reads on to where the data says that it ends, which is before `out` is full. */
  run(toTheEnd = false): void {
    for (let last = false; !last; ) {
      last = this.#bits(1) === 1;
      const kind = this.#bits(2);
      if (kind === 0) this.#stored();
      else if (kind === 3) throw damaged('a block of unknown kind');
      else {
        if (kind === 1) {
          this.#literals.build(fixedLengths, false);
          this.#distances.build(new Uint8Array(32).fill(5), false);
        } else this.#readCodes();
        this.#block();
      }
      if (this.#done === this.#out.length) return;
    }
    if (!toTheEnd) throw damaged(`it ends after ${this.#done} of ${this.#out.length} bytes`);
  }

  /** Bytes of the input that were used, and bytes that came out. */
  get used(): { readonly input: number; readonly out: number } {
    return { input: this.#at - (this.#heldBits >> 3), out: this.#done };
  }

  #bits(count: number): number {
    while (this.#heldBits < count) {
      if (this.#at >= this.#input.length) throw damaged('it breaks off');
      this.#held |= (this.#input[this.#at++] ?? 0) << this.#heldBits;
      this.#heldBits += 8;
    }
    const value = this.#held & ((1 << count) - 1);
    this.#held >>>= count;
    this.#heldBits -= count;
    return value;
  }

  #stored(): void {
    // Whole bytes that are held already go back.
    this.#at -= this.#heldBits >> 3;
    this.#held = 0;
    this.#heldBits = 0;
    const at = this.#at + 4;
    if (at > this.#input.length) throw damaged('it breaks off');
    const [a = 0, b = 0, c = 0, d = 0] = this.#input.subarray(this.#at, at);
    const length = a | (b << 8);
    if ((length ^ 0xffff) !== (c | (d << 8))) throw damaged('the length of a stored block is not confirmed');
    const wanted = Math.min(length, this.#out.length - this.#done);
    if (at + wanted > this.#input.length) throw damaged('it breaks off');
    this.#out.set(this.#input.subarray(at, at + wanted), this.#done);
    this.#done += wanted;
    this.#at = Math.min(at + length, this.#input.length);
  }

  #readCodes(): void {
    const literals = this.#bits(5) + 257;
    const distances = this.#bits(5) + 1;
    const stored = this.#bits(4) + 4;
    if (literals > 286 || distances > 30) throw damaged('too many codes');
    const ofLengths = new Uint8Array(19);
    for (let i = 0; i < stored; i++) ofLengths[LENGTH_ORDER[i] ?? 0] = this.#bits(3);
    const code = this.#distances;
    code.build(ofLengths, false);
    const lengths = new Uint8Array(literals + distances);
    for (let i = 0; i < lengths.length; ) {
      const symbol = this.#symbol(code);
      if (symbol < 16) {
        lengths[i++] = symbol;
        continue;
      }
      if (symbol === 16 && i === 0) throw damaged('a length is repeated that is not there');
      const value = symbol === 16 ? (lengths[i - 1] ?? 0) : 0;
      const times = symbol === 16 ? 3 + this.#bits(2) : symbol === 17 ? 3 + this.#bits(3) : 11 + this.#bits(7);
      if (i + times > lengths.length) throw damaged('more lengths than codes');
      lengths.fill(value, i, i + times);
      i += times;
    }
    if (lengths[256] === 0) throw damaged('no code ends the block');
    this.#literals.build(lengths.subarray(0, literals), true);
    this.#distances.build(lengths.subarray(literals), true);
  }

  /** One symbol, slowly: for the few that describe codes. */
  #symbol(code: Code): number {
    while (this.#heldBits < MAX_BITS && this.#at < this.#input.length) {
      this.#held |= (this.#input[this.#at++] ?? 0) << this.#heldBits;
      this.#heldBits += 8;
    }
    const entry = code.slow(this.#held);
    if ((entry & 15) > this.#heldBits) throw damaged('it breaks off');
    this.#held >>>= entry & 15;
    this.#heldBits -= entry & 15;
    return entry >> 4;
  }

  /** Literals and matches until the block ends or the buffer is full. Bits are in local variables for speed. */
  #block(): void {
    const input = this.#input;
    const out = this.#out;
    const literals = this.#literals;
    const distances = this.#distances;
    const quickLiterals = literals.quick;
    const quickDistances = distances.quick;
    const mask = (1 << QUICK_BITS) - 1;
    let held = this.#held;
    let bits = this.#heldBits;
    let at = this.#at;
    let done = this.#done;
    while (done < out.length) {
      // Bits behind the end of the input are zeros; whoever uses them has more than there is.
      for (; bits <= 24; bits += 8) held |= (input[at++] ?? 0) << bits;
      let entry = quickLiterals[held & mask] || literals.slow(held);
      held >>>= entry & 15;
      bits -= entry & 15;
      const symbol = entry >> 4;
      if (symbol < 256) {
        out[done++] = symbol;
        if (at > input.length && at - (bits >> 3) > input.length) throw damaged('it breaks off');
        continue;
      }
      if (symbol === 256) {
        if (at - (bits >> 3) > input.length) throw damaged('it breaks off');
        this.#keep(held, bits, at, done);
        return;
      }
      if (symbol > 285) throw damaged('a length that means nothing');
      const lengthBits = lengthExtra[symbol - 257] ?? 0;
      let length = (lengthBase[symbol - 257] ?? 0) + (held & ((1 << lengthBits) - 1));
      held >>>= lengthBits;
      bits -= lengthBits;
      for (; bits <= 24; bits += 8) held |= (input[at++] ?? 0) << bits;
      entry = quickDistances[held & mask] || distances.slow(held);
      held >>>= entry & 15;
      bits -= entry & 15;
      if (entry >> 4 > 29) throw damaged('a distance that means nothing');
      for (; bits <= 24; bits += 8) held |= (input[at++] ?? 0) << bits;
      const distanceBits = distanceExtra[entry >> 4] ?? 0;
      const distance = (distanceBase[entry >> 4] ?? 0) + (held & ((1 << distanceBits) - 1));
      held >>>= distanceBits;
      bits -= distanceBits;
      if (at - (bits >> 3) > input.length) throw damaged('it breaks off');
      if (distance > done) throw damaged('a distance that goes back too far');
      length = Math.min(length, out.length - done);
      if (distance === 1) out.fill(out[done - 1] ?? 0, done, done + length);
      else if (distance >= length) out.copyWithin(done, done - distance, done - distance + length);
      else for (let i = 0; i < length; i++) out[done + i] = out[done + i - distance] ?? 0;
      done += length;
    }
    this.#keep(held, bits, at, done);
  }

  #keep(held: number, bits: number, at: number, done: number): void {
    // Bytes that were only looked at go back.
    const spare = bits >> 3;
    this.#at = at - spare;
    this.#heldBits = bits - spare * 8;
    this.#held = held & ((1 << this.#heldBits) - 1);
    this.#done = done;
  }
}

/** Fills `out` from the beginning of `input`; what follows is not looked at. Throws `corrupt`. */
export function inflateInto(input: Uint8Array, out: Uint8Array): void {
  new Inflater(input, out).run();
}

/** Fills `out` with all that `input` holds; returns how long that is stored. Throws `corrupt`, also for more or less. */
export function inflateExactly(input: Uint8Array, out: Uint8Array): number {
  const room = new Uint8Array(out.length + 1);
  const inflater = new Inflater(input, room);
  inflater.run(true);
  if (inflater.used.out !== out.length) throw damaged('it does not end with its cluster');
  out.set(room.subarray(0, out.length));
  return inflater.used.input;
}
