/** Writes one block of deflate: the symbols of a stretch, in the code that costs least. */
import { codeLengths, codesOf } from './huffman.ts';

/** Most symbols of a block. */
export const BLOCK_SYMBOLS = 32767;
const END = 256;
const LITERALS = 286;
const DISTANCES = 30;
const LENGTH_BITS = 19;

/** Length 3 … 258 → its code less 257, and the extra bits of each code. */
const lengthCode = new Uint8Array(259);
const lengthBase = new Uint16Array(29);
const lengthExtra = new Uint8Array(29);
/** Distance 1 … 4096 → its code. */
const distanceCode = new Uint8Array(4097);
const distanceBase = new Uint16Array(DISTANCES);
const distanceExtra = new Uint8Array(DISTANCES);

for (let code = 0, length = 3; code < 28; code++) {
  lengthExtra[code] = code < 8 ? 0 : (code >> 2) - 1;
  lengthBase[code] = length;
  const end = Math.min(259, length + (1 << (lengthExtra[code] as number)));
  for (; length < end; length++) lengthCode[length] = code;
}
lengthCode[258] = 28;
lengthBase[28] = 258;
for (let code = 0, distance = 1; code < 24; code++) {
  distanceExtra[code] = code < 4 ? 0 : (code >> 1) - 1;
  distanceBase[code] = distance;
  const end = distance + (1 << (distanceExtra[code] as number));
  for (; distance < end; distance++) distanceCode[distance] = code;
}

const fixedLiterals = new Uint8Array(288);
fixedLiterals.fill(8, 0, 144).fill(9, 144, 256).fill(7, 256, 280).fill(8, 280, 288);
const fixedLiteralCodes = new Uint16Array(288);
codesOf(fixedLiterals, fixedLiteralCodes);
const fixedDistances = new Uint8Array(DISTANCES).fill(5);
const fixedDistanceCodes = new Uint16Array(DISTANCES);
codesOf(fixedDistances, fixedDistanceCodes);

/** The order in which the lengths of the lengths' code are told. */
const TELLING = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/** Where compressed bits go. Nothing is written that was not counted before. */
export class BitWriter {
  #into: Uint8Array = new Uint8Array(0);
  #at = 0;
  #bits = 0;
  #count = 0;

  begin(into: Uint8Array): void {
    this.#into = into;
    this.#at = 0;
    this.#bits = 0;
    this.#count = 0;
  }

  /** Whether so many bits more have room. */
  fits(bits: number): boolean {
    return this.#at * 8 + this.#count + bits <= this.#into.length * 8;
  }

  put(value: number, length: number): void {
    this.#bits |= value << this.#count;
    this.#count += length;
    while (this.#count >= 8) {
      this.#into[this.#at++] = this.#bits;
      this.#bits >>>= 8;
      this.#count -= 8;
    }
  }

  /** Bits that are missing to a whole byte. */
  get short(): number {
    return (8 - this.#count) % 8;
  }

  bytes(from: Uint8Array): void {
    this.#into.set(from, this.#at);
    this.#at += from.length;
  }

  /** Returns the length in bytes. */
  end(): number {
    this.put(0, this.short);
    return this.#at;
  }

  /** Many symbols: the fields are held in variables meanwhile. */
  symbols(
    values: Uint16Array,
    distances: Uint16Array,
    count: number,
    literals: Uint8Array,
    literalCodes: Uint16Array,
    distanceLengths: Uint8Array,
    distanceCodes: Uint16Array,
  ): void {
    const into = this.#into;
    let at = this.#at;
    let bits = this.#bits;
    let held = this.#count;
    for (let i = 0; i < count; i++) {
      const value = values[i] as number;
      const distance = distances[i] as number;
      if (distance === 0) {
        bits |= (literalCodes[value] as number) << held;
        held += literals[value] as number;
      } else {
        const code = lengthCode[value] as number;
        const own = literals[code + 257] as number;
        bits |= ((literalCodes[code + 257] as number) | ((value - (lengthBase[code] as number)) << own)) << held;
        held += own + (lengthExtra[code] as number);
        while (held >= 8) {
          into[at++] = bits;
          bits >>>= 8;
          held -= 8;
        }
        const far = distanceCode[distance] as number;
        const farOwn = distanceLengths[far] as number;
        bits |= ((distanceCodes[far] as number) | ((distance - (distanceBase[far] as number)) << farOwn)) << held;
        held += farOwn + (distanceExtra[far] as number);
      }
      while (held >= 8) {
        into[at++] = bits;
        bits >>>= 8;
        held -= 8;
      }
    }
    this.#at = at;
    this.#bits = bits;
    this.#count = held;
  }
}

/** Gathers symbols and writes them as a block. */
export class Block {
  readonly #writer: BitWriter;
  readonly #values = new Uint16Array(BLOCK_SYMBOLS);
  readonly #distances = new Uint16Array(BLOCK_SYMBOLS);
  readonly #literalUse = new Uint32Array(LITERALS);
  readonly #distanceUse = new Uint32Array(DISTANCES);
  readonly #literals = new Uint8Array(LITERALS);
  readonly #literalCodes = new Uint16Array(LITERALS);
  readonly #distanceLengths = new Uint8Array(DISTANCES);
  readonly #distanceCodes = new Uint16Array(DISTANCES);
  readonly #tellUse = new Uint32Array(LENGTH_BITS);
  readonly #tellLengths = new Uint8Array(LENGTH_BITS);
  readonly #tellCodes = new Uint16Array(LENGTH_BITS);
  /** The lengths as they are told: symbol and, above 15, how often. */
  readonly #told = new Uint16Array(LITERALS + DISTANCES);
  #toldCount = 0;
  #count = 0;

  constructor(writer: BitWriter) {
    this.#writer = writer;
  }

  get full(): boolean {
    return this.#count === BLOCK_SYMBOLS;
  }

  clear(): void {
    this.#count = 0;
    this.#literalUse.fill(0);
    this.#distanceUse.fill(0);
  }

  literal(byte: number): void {
    const i = this.#count++;
    this.#values[i] = byte;
    this.#distances[i] = 0;
    this.#literalUse[byte] = (this.#literalUse[byte] as number) + 1;
  }

  match(length: number, distance: number): void {
    const i = this.#count++;
    this.#values[i] = length;
    this.#distances[i] = distance;
    const code = (lengthCode[length] as number) + 257;
    this.#literalUse[code] = (this.#literalUse[code] as number) + 1;
    const far = distanceCode[distance] as number;
    this.#distanceUse[far] = (this.#distanceUse[far] as number) + 1;
  }

  /** `plain`: what the symbols stand for. False where there is no room. The block is empty afterwards. */
  write(plain: Uint8Array, last: boolean): boolean {
    this.#literalUse[END] = 1;
    codeLengths(this.#literalUse, 15, this.#literals);
    codeLengths(this.#distanceUse, 15, this.#distanceLengths);
    const [literals, distances] = this.#tell();
    const own = 3 + this.#headBits() + this.#cost(this.#literals, this.#distanceLengths);
    const fixed = 3 + this.#cost(fixedLiterals, fixedDistances);
    const writer = this.#writer;
    const stored = storedBits(plain.length, writer);
    const least = Math.min(own, fixed, stored);
    if (!writer.fits(least)) return false;
    const final = last ? 1 : 0;
    if (stored === least) writeStored(writer, plain, last);
    else if (fixed <= own) {
      writer.put(final | 2, 3);
      writer.symbols(
        this.#values,
        this.#distances,
        this.#count,
        fixedLiterals,
        fixedLiteralCodes,
        fixedDistances,
        fixedDistanceCodes,
      );
      writer.put(fixedLiteralCodes[END] as number, fixedLiterals[END] as number);
    } else {
      writer.put(final | 4, 3);
      this.#writeHead(literals, distances);
      codesOf(this.#literals, this.#literalCodes);
      codesOf(this.#distanceLengths, this.#distanceCodes);
      writer.symbols(
        this.#values,
        this.#distances,
        this.#count,
        this.#literals,
        this.#literalCodes,
        this.#distanceLengths,
        this.#distanceCodes,
      );
      writer.put(this.#literalCodes[END] as number, this.#literals[END] as number);
    }
    this.clear();
    return true;
  }

  #cost(literals: Uint8Array, distances: Uint8Array): number {
    let bits = 0;
    for (let i = 0; i < LITERALS; i++) {
      const extra = i > END ? (lengthExtra[i - 257] as number) : 0;
      bits += (this.#literalUse[i] as number) * ((literals[i] as number) + extra);
    }
    for (let i = 0; i < DISTANCES; i++) {
      bits += (this.#distanceUse[i] as number) * ((distances[i] as number) + (distanceExtra[i] as number));
    }
    return bits;
  }

  /** Puts the lengths of both codes into the form in which they are told; returns how many of each are. */
  #tell(): [number, number] {
    let literals = LITERALS;
    while (this.#literals[literals - 1] === 0) literals--;
    let distances = DISTANCES;
    while (distances > 1 && this.#distanceLengths[distances - 1] === 0) distances--;
    const all = new Uint8Array(literals + distances);
    all.set(this.#literals.subarray(0, literals));
    all.set(this.#distanceLengths.subarray(0, distances), literals);
    this.#toldCount = 0;
    this.#tellUse.fill(0);
    for (let i = 0; i < all.length; ) {
      const length = all[i] as number;
      let run = 1;
      while (i + run < all.length && all[i + run] === length) run++;
      i += run;
      if (length === 0) run = this.#tellZeros(run);
      else {
        this.#tellOne(length, 0);
        for (run--; run >= 3; run -= Math.min(6, run)) this.#tellOne(16, Math.min(6, run) - 3);
      }
      for (; run > 0; run--) this.#tellOne(length, 0);
    }
    codeLengths(this.#tellUse, 7, this.#tellLengths);
    return [literals, distances];
  }

  /** Returns how many of them are left. */
  #tellZeros(run: number): number {
    let left = run;
    while (left >= 3) {
      const part = Math.min(138, left);
      if (part > 10) this.#tellOne(18, part - 11);
      else this.#tellOne(17, part - 3);
      left -= part;
    }
    return left;
  }

  #tellOne(symbol: number, often: number): void {
    this.#told[this.#toldCount++] = symbol | (often << 5);
    this.#tellUse[symbol] = (this.#tellUse[symbol] as number) + 1;
  }

  get #tellings(): number {
    let count = LENGTH_BITS;
    while (count > 4 && this.#tellLengths[TELLING[count - 1] as number] === 0) count--;
    return count;
  }

  #headBits(): number {
    let bits = 14 + 3 * this.#tellings;
    for (let symbol = 0; symbol < LENGTH_BITS; symbol++) {
      bits += (this.#tellUse[symbol] as number) * ((this.#tellLengths[symbol] as number) + extraOf(symbol));
    }
    return bits;
  }

  #writeHead(literals: number, distances: number): void {
    const writer = this.#writer;
    const tellings = this.#tellings;
    codesOf(this.#tellLengths, this.#tellCodes);
    writer.put(literals - 257, 5);
    writer.put(distances - 1, 5);
    writer.put(tellings - 4, 4);
    for (let i = 0; i < tellings; i++) writer.put(this.#tellLengths[TELLING[i] as number] as number, 3);
    for (let i = 0; i < this.#toldCount; i++) {
      const told = this.#told[i] as number;
      const symbol = told & 31;
      writer.put(this.#tellCodes[symbol] as number, this.#tellLengths[symbol] as number);
      if (symbol > 15) writer.put(told >> 5, extraOf(symbol));
    }
  }
}

const extraOf = (symbol: number): number => (symbol < 16 ? 0 : symbol === 16 ? 2 : symbol === 17 ? 3 : 7);

/** A stored piece holds 65535 bytes. */
function storedBits(length: number, writer: BitWriter): number {
  const first = 3 + ((writer.short + 8 - 3) % 8) + 32;
  const more = Math.max(0, Math.ceil(length / 65535) - 1) * 40;
  return first + more + length * 8;
}

function writeStored(writer: BitWriter, plain: Uint8Array, last: boolean): void {
  for (let at = 0; at < plain.length || at === 0; at += 65535) {
    const piece = plain.subarray(at, at + 65535);
    writer.put(last && at + 65535 >= plain.length ? 1 : 0, 3);
    writer.put(0, writer.short);
    writer.put(piece.length, 16);
    writer.put(~piece.length & 0xffff, 16);
    writer.bytes(piece);
  }
}
