/**
 * Decompresses zstd frames (RFC 8878) into a buffer of known length: the frames must fill it exactly, as QEMU
 * asks of a compressed cluster. What follows the last frame is not looked at. Content checksums are skipped, not
 * verified; dictionaries are unsupported.
 *
 * Written here because a compressed cluster is hostile input: output and time are bounded by the buffer.
 */
import {
  BackwardBits,
  damaged,
  decodeHuffman,
  type FseTable,
  fseTable,
  type HuffmanTable,
  oneSymbol,
  readFseTable,
  readHuffmanTable,
} from './zstd-entropy.ts';

const MAGIC = 0xfd2fb528;
const SKIPPABLE = 0x184d2a5;
const MAX_BLOCK = 128 * 1024;
/** The largest window that the reference decoder accepts without being asked to. */
const MAX_WINDOW = 2 ** 27 + 1;

// biome-ignore format: tables of the specification, in its order.
const LITERAL_COUNTS = [4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1];
const OFFSET_COUNTS = [...Array(6).fill(1), 2, 2, 2, ...Array(15).fill(1), ...Array(5).fill(-1)] as number[];
const MATCH_COUNTS = [1, 4, 3, 2, 2, 2, 2, 2, 2, ...Array(37).fill(1), ...Array(7).fill(-1)] as number[];
const LITERAL_BITS = [...Array(16).fill(0), 1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];
const MATCH_BITS = [...Array(32).fill(0), 1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];

function bases(extra: readonly number[], first: number): Uint32Array {
  let next = first;
  return Uint32Array.from(extra, (bits) => {
    const base = next;
    next += 2 ** bits;
    return base;
  });
}

/** Literal lengths, offsets, match lengths, in the order of the stream. */
const KINDS = [
  { most: 9, symbols: 35, standard: fseTable(LITERAL_COUNTS, 6) },
  { most: 8, symbols: 31, standard: fseTable(OFFSET_COUNTS, 5) },
  { most: 9, symbols: 52, standard: fseTable(MATCH_COUNTS, 6) },
] as const;
const literalBits = Uint8Array.from(LITERAL_BITS as number[]);
const matchBits = Uint8Array.from(MATCH_BITS as number[]);
const literalBase = bases(LITERAL_BITS as number[], 0);
const matchBase = bases(MATCH_BITS as number[], 3);

const little = (bytes: Uint8Array, at: number, count: number): number => {
  let value = 0;
  for (let i = count - 1; i >= 0; i--) value = value * 256 + (bytes[at + i] ?? 0);
  return value;
};

/** Shorter copies are done byte by byte: a call costs more. */
const LONG = 48;

/** What blocks of one frame hand on to each other. */
class Frame {
  readonly #out: Uint8Array;
  /** Where this frame's output begins, and where it goes on. */
  readonly #start: number;
  done: number;
  #huffman: HuffmanTable | undefined;
  readonly #tables: (FseTable | undefined)[] = [undefined, undefined, undefined];
  readonly #repeats: [number, number, number] = [1, 4, 8];

  constructor(out: Uint8Array, start: number) {
    this.#out = out;
    this.#start = start;
    this.done = start;
  }

  put(bytes: Uint8Array): void {
    this.room(bytes.length);
    this.#out.set(bytes, this.done);
    this.done += bytes.length;
  }

  fill(byte: number, length: number): void {
    this.room(length);
    this.#out.fill(byte, this.done, this.done + length);
    this.done += length;
  }

  room(length: number): void {
    if (this.done + length > this.#out.length) throw damaged(`it holds more than ${this.#out.length} bytes`);
  }

  compressed(block: Uint8Array): void {
    const { literals, used } = this.#literals(block);
    const taken = this.#sequences(block.subarray(used), literals);
    this.put(literals.subarray(taken));
  }

  #literals(block: Uint8Array): { literals: Uint8Array; used: number } {
    const head = block[0] ?? 0;
    const kind = head & 3;
    const format = (head >> 2) & 3;
    if (kind < 2) {
      const bytes = format === 1 ? 2 : format === 3 ? 3 : 1;
      const size = little(block, 0, bytes) >>> (bytes === 1 ? 3 : 4);
      const used = bytes + (kind === 0 ? size : 1);
      if (size > MAX_BLOCK || used > block.length) throw damaged('literals break off');
      if (kind === 1) return { literals: new Uint8Array(size).fill(block[bytes] ?? 0), used };
      return { literals: block.subarray(bytes, used), used };
    }
    const bytes = format < 2 ? 3 : format + 2;
    const width = format < 2 ? 10 : format === 2 ? 14 : 18;
    const sizes = Math.floor(little(block, 0, bytes) / 16);
    const size = sizes % 2 ** width;
    const stored = Math.floor(sizes / 2 ** width);
    const used = bytes + stored;
    if (size > MAX_BLOCK || used > block.length) throw damaged('literals break off');
    let from = bytes;
    if (kind === 2) {
      const read = readHuffmanTable(block.subarray(from, used));
      this.#huffman = read.table;
      from += read.used;
    }
    const table = this.#huffman;
    if (!table) throw damaged('literals use a table that is not there');
    const literals = new Uint8Array(size);
    const streams = block.subarray(from, used);
    if (format === 0) decodeHuffman(streams, table, literals);
    else decodeFour(streams, table, literals);
    return { literals, used };
  }

  #readTables(bytes: Uint8Array, modes: number): number {
    let at = 0;
    if ((modes & 3) !== 0) throw damaged('reserved bits of the sequences are set');
    for (const [i, { most, symbols, standard }] of KINDS.entries()) {
      const mode = (modes >> (6 - 2 * i)) & 3;
      if (mode === 0) this.#tables[i] = standard;
      else if (mode === 1) this.#tables[i] = oneSymbol(bytes[at++] ?? 255);
      else if (mode === 2) {
        const { table, used } = readFseTable(bytes.subarray(at), most);
        this.#tables[i] = table;
        at += used;
      } else if (!this.#tables[i]) throw damaged('sequences use a table that is not there');
      if (mode !== 0 && this.#tables[i]?.symbol.some((symbol) => symbol > symbols)) {
        throw damaged('a sequence has a code that means nothing');
      }
    }
    return at;
  }

  /** Executes the sequences; returns how many literals they took. */
  #sequences(section: Uint8Array, literals: Uint8Array): number {
    const head = section[0];
    if (head === undefined) throw damaged('a block has no sequences section');
    if (head === 0) {
      if (section.length !== 1) throw damaged('a block is longer than its content');
      return 0;
    }
    let at = 1;
    let count = head;
    if (head === 255) {
      count = little(section, 1, 2) + 0x7f00;
      at = 3;
    } else if (head > 127) {
      count = ((head - 128) << 8) + (section[1] ?? 0);
      at = 2;
    }
    const modes = section[at++] ?? 0;
    at += this.#readTables(section.subarray(at), modes);
    const stream = new BackwardBits(section.subarray(at));
    const [ll, of, ml] = this.#tables as [FseTable, FseTable, FseTable];
    const out = this.#out;
    let llState = stream.take(ll.bits);
    let ofState = stream.take(of.bits);
    let mlState = stream.take(ml.bits);
    let taken = 0;
    for (let i = 0; i < count; i++) {
      const offsetCode = of.symbol[ofState] ?? 0;
      const matchCode = ml.symbol[mlState] ?? 0;
      const literalCode = ll.symbol[llState] ?? 0;
      const upper = offsetCode > 16 ? stream.take(offsetCode - 16) * 65536 : 0;
      const value = 2 ** offsetCode + upper + stream.take(Math.min(offsetCode, 16));
      const match = (matchBase[matchCode] ?? 0) + stream.take(matchBits[matchCode] ?? 0);
      const length = (literalBase[literalCode] ?? 0) + stream.take(literalBits[literalCode] ?? 0);
      if (i + 1 < count) {
        llState = (ll.base[llState] ?? 0) + stream.take(ll.take[llState] ?? 0);
        mlState = (ml.base[mlState] ?? 0) + stream.take(ml.take[mlState] ?? 0);
        ofState = (of.base[ofState] ?? 0) + stream.take(of.take[ofState] ?? 0);
      }
      if (stream.left < 0) throw damaged('sequences break off');
      const offset = this.#offset(value, length);
      if (taken + length > literals.length) throw damaged('a sequence takes more literals than there are');
      this.room(length + match);
      let done = this.done;
      if (length > LONG) out.set(literals.subarray(taken, taken + length), done);
      else for (let n = 0; n < length; n++) out[done + n] = literals[taken + n] as number;
      taken += length;
      done += length;
      if (offset > done - this.#start) throw damaged('a match goes back too far');
      if (offset >= match && match > LONG) out.copyWithin(done, done - offset, done - offset + match);
      else for (let n = 0; n < match; n++) out[done + n] = out[done + n - offset] as number;
      this.done = done + match;
    }
    if (stream.left !== 0) throw damaged('sequences do not end where they should');
    return taken;
  }

  /** The three latest offsets have short names, which shift when there are no literals. */
  #offset(value: number, literals: number): number {
    const repeats = this.#repeats;
    const first = repeats[0];
    const second = repeats[1];
    const third = repeats[2];
    if (value > 3) {
      repeats[2] = second;
      repeats[1] = first;
      repeats[0] = value - 3;
      return value - 3;
    }
    const which = value - 1 + (literals === 0 ? 1 : 0);
    if (which === 0) return first;
    const offset = which === 1 ? second : which === 2 ? third : first - 1;
    if (offset === 0) throw damaged('a match goes back by nothing');
    if (which !== 1) repeats[2] = second;
    repeats[1] = first;
    repeats[0] = offset;
    return offset;
  }
}

function decodeFour(streams: Uint8Array, table: HuffmanTable, literals: Uint8Array): void {
  if (streams.length < 6) throw damaged('literals break off');
  const part = (literals.length + 3) >> 2;
  if (part * 3 > literals.length) throw damaged('too few literals for four streams');
  let at = 6;
  for (let i = 0; i < 4; i++) {
    const end = i < 3 ? at + little(streams, i * 2, 2) : streams.length;
    if (end > streams.length) throw damaged('literals break off');
    decodeHuffman(streams.subarray(at, end), table, literals.subarray(i * part, i < 3 ? (i + 1) * part : undefined));
    at = end;
  }
}

interface FrameHead {
  readonly bytes: number;
  readonly blockMax: number;
  readonly content: number | undefined;
  readonly checksum: boolean;
}

function readHead(input: Uint8Array, at: number): FrameHead {
  const flags = input[at + 4] ?? 0;
  if ((flags & 8) !== 0) throw damaged('a reserved bit is set');
  const single = (flags & 0x20) !== 0;
  const idBytes = [0, 1, 2, 4][flags & 3] ?? 0;
  const sizeBytes = [single ? 1 : 0, 2, 4, 8][flags >> 6] ?? 0;
  let next = at + 5;
  let window = 0;
  if (!single) {
    const descriptor = input[next++] ?? 0;
    const base = 2 ** (10 + (descriptor >> 3));
    window = base + (base / 8) * (descriptor & 7);
  }
  if (little(input, next, idBytes) !== 0) throw damaged('it needs a dictionary');
  next += idBytes;
  const content = sizeBytes === 0 ? undefined : little(input, next, sizeBytes) + (sizeBytes === 2 ? 256 : 0);
  next += sizeBytes;
  if (next > input.length) throw damaged('it breaks off');
  if (single) window = content ?? 0;
  if (window > MAX_WINDOW) throw damaged(`a window of ${window} bytes`);
  return { bytes: next - at, blockMax: Math.min(window, MAX_BLOCK), content, checksum: (flags & 4) !== 0 };
}

/** Decodes the frame at `at` to `out` from `done` on; returns where the frame and its output end. */
function decodeFrame(input: Uint8Array, at: number, out: Uint8Array, done: number): { at: number; done: number } {
  const head = readHead(input, at);
  const frame = new Frame(out, done);
  let next = at + head.bytes;
  for (let last = false; !last; ) {
    if (next + 3 > input.length) throw damaged('it breaks off');
    const word = little(input, next, 3);
    next += 3;
    last = (word & 1) === 1;
    const kind = (word >> 1) & 3;
    const size = word >> 3;
    const stored = kind === 1 ? 1 : size;
    if (kind === 3 || size > head.blockMax) throw damaged('a block of unknown kind or too large');
    if (next + stored > input.length) throw damaged('it breaks off');
    const block = input.subarray(next, next + stored);
    if (kind === 0) frame.put(block);
    else if (kind === 1) frame.fill(block[0] ?? 0, size);
    else frame.compressed(block);
    next += stored;
  }
  if (head.content !== undefined && frame.done - done !== head.content) throw damaged('its size is not what it says');
  if (head.checksum) next += 4;
  if (next > input.length) throw damaged('it breaks off');
  return { at: next, done: frame.done };
}

/** Fills `out` exactly; returns how long that is stored. Throws `corrupt`. */
export function zstdInto(input: Uint8Array, out: Uint8Array): number {
  let at = 0;
  for (let done = 0; done < out.length; ) {
    if (at + 8 > input.length) throw damaged(`it ends after ${done} of ${out.length} bytes`);
    const magic = little(input, at, 4);
    if (Math.floor(magic / 16) === SKIPPABLE) at += 8 + little(input, at + 4, 4);
    else if (magic === MAGIC) ({ at, done } = decodeFrame(input, at, out, done));
    else throw damaged('it does not begin with a frame');
  }
  return at;
}
