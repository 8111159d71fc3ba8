/**
 * A disk's cipher with its key: sectors of 512 bytes, in place, each with an IV that follows from its number. Modes
 * and IV generators are those of dm-crypt, as QEMU has them.
 */
import { assert, DiskwrightError } from '../errors.ts';
import { Aes, BLOCK } from './aes.ts';
import { type CipherSpec, keyBytesOf } from './cipher-spec.ts';
import { HASHES } from './hashes.ts';

export interface SectorCipher {
  /**
   * `bytes`: sectors, of which `sector` (below 2^53) is the number of the first, as its IV counts them. The last one
   * may be short, by whole blocks of 16 bytes.
   */
  encrypt(bytes: Uint8Array, sector: number): void;
  decrypt(bytes: Uint8Array, sector: number): void;
  /** Forgets the key; nothing works afterwards. */
  clear(): void;
}

const SECTOR = 512;
const WORDS = SECTOR / 4;
const TWO_32 = 2 ** 32;
const NO_MASK = new Int32Array(WORDS);

/** Writes the IV of a sector as four little-endian words. */
type WriteIv = (sector: number, into: DataView) => void;

function writeNumber(sector: number, into: DataView, upper: number): void {
  into.setInt32(0, sector | 0, true);
  into.setInt32(4, upper, true);
  into.setInt32(8, 0, true);
  into.setInt32(12, 0, true);
}

/** One sector, or the shorter end of a run, at [at, end) of `data`. */
type OneSector = (data: DataView, at: number, end: number, iv: DataView) => void;

interface ModeOfSectors {
  readonly encrypt: OneSector;
  readonly decrypt: OneSector;
}

/** Tweak j is the encrypted IV times x^j in GF(2^128). */
function xts(aes: Aes, tweakAes: Aes, scratch: Int32Array): ModeOfSectors {
  const writeTweaks = (iv: DataView): void => {
    tweakAes.encrypt(iv, 0, BLOCK, NO_MASK);
    let a = iv.getInt32(0, true);
    let b = iv.getInt32(4, true);
    let c = iv.getInt32(8, true);
    let d = iv.getInt32(12, true);
    for (let i = 0; i < WORDS; i += 4) {
      scratch[i] = a;
      scratch[i + 1] = b;
      scratch[i + 2] = c;
      scratch[i + 3] = d;
      const carry = (d >> 31) & 0x87;
      d = (d << 1) | (c >>> 31);
      c = (c << 1) | (b >>> 31);
      b = (b << 1) | (a >>> 31);
      a = (a << 1) ^ carry;
    }
  };
  return {
    encrypt(data, at, end, iv) {
      writeTweaks(iv);
      aes.encrypt(data, at, end, scratch);
    },
    decrypt(data, at, end, iv) {
      writeTweaks(iv);
      aes.decrypt(data, at, end, scratch);
    },
  };
}

function combine(data: DataView, at: number, end: number, other: Int32Array): void {
  for (let i = at, w = 0; i < end; i += 4, w++) {
    data.setInt32(i, data.getInt32(i, true) ^ (other[w] as number), true);
  }
}

function cbc(aes: Aes, scratch: Int32Array): ModeOfSectors {
  const previous = scratch.subarray(0, 4);
  return {
    encrypt(data, at, end, iv) {
      for (let w = 0; w < 4; w++) previous[w] = iv.getInt32(4 * w, true);
      for (let i = at; i < end; i += BLOCK) {
        combine(data, i, i + BLOCK, previous);
        aes.encrypt(data, i, i + BLOCK, NO_MASK);
        for (let w = 0; w < 4; w++) previous[w] = data.getInt32(i + 4 * w, true);
      }
    },
    decrypt(data, at, end, iv) {
      // What each block is combined with: the IV, then the block before it while it is still encrypted.
      for (let w = 0; w < 4; w++) scratch[w] = iv.getInt32(4 * w, true);
      for (let i = at, w = 4; i < end - BLOCK; i += 4, w++) scratch[w] = data.getInt32(i, true);
      aes.decrypt(data, at, end, NO_MASK);
      combine(data, at, end, scratch);
    },
  };
}

/** The IV counts on as one big-endian number, from block to block. */
function ctr(aes: Aes, scratch: Int32Array): ModeOfSectors {
  const stream = new DataView(scratch.buffer, scratch.byteOffset, SECTOR);
  const crypt: OneSector = (data, at, end, iv) => {
    for (let block = 0; block < SECTOR; block += BLOCK) {
      for (let w = 0; w < BLOCK; w += 4) stream.setInt32(block + w, iv.getInt32(w, true), true);
      for (let i = BLOCK - 1, carry = 1; carry && i >= 0; i--) {
        const next = iv.getUint8(i) + 1;
        iv.setUint8(i, next & 0xff);
        carry = next >> 8;
      }
    }
    aes.encrypt(stream, 0, SECTOR, NO_MASK);
    for (let i = at, s = 0; i < end; i += 4, s += 4) {
      data.setInt32(i, data.getInt32(i, true) ^ stream.getInt32(s, true), true);
    }
  };
  return { encrypt: crypt, decrypt: crypt };
}

const ecb = (aes: Aes): ModeOfSectors => ({
  encrypt: (data, at, end) => aes.encrypt(data, at, end, NO_MASK),
  decrypt: (data, at, end) => aes.decrypt(data, at, end, NO_MASK),
});

/** The cipher that turns sector numbers into the IVs of `essiv`: its key is the hash of the disk's. */
function essivAes({ ivgenHash }: CipherSpec, key: Uint8Array): Aes {
  assert(ivgenHash !== undefined, 'essiv has a hash');
  const hash = HASHES[ivgenHash](key);
  if (![16, 24, 32].includes(hash.length)) {
    throw new DiskwrightError(
      'unsupported',
      `IV generator essiv:${ivgenHash}: AES has no key of ${hash.length} bytes.`,
    );
  }
  const aes = new Aes(hash);
  hash.fill(0);
  return aes;
}

/** `key`: as many bytes as `keyBytesOf` says; it may be cleared afterwards. Throws `unsupported`. */
export function sectorCipher(spec: CipherSpec, key: Uint8Array): SectorCipher {
  assert(key.length === keyBytesOf(spec), `${spec.algorithm} in ${spec.mode} has no key of ${key.length} bytes`);
  const { mode, ivgen } = spec;
  const scratch = new Int32Array(WORDS);
  const half = mode === 'xts' ? key.length / 2 : key.length;
  const aes = new Aes(key.subarray(0, half));
  const tweakAes = mode === 'xts' ? new Aes(key.subarray(half)) : undefined;
  const ivAes = ivgen === 'essiv' ? essivAes(spec, key) : undefined;
  const sectors = tweakAes
    ? xts(aes, tweakAes, scratch)
    : mode === 'cbc'
      ? cbc(aes, scratch)
      : mode === 'ctr'
        ? ctr(aes, scratch)
        : ecb(aes);
  const writeIv: WriteIv = (sector, into) => {
    writeNumber(sector, into, ivgen === 'plain' ? 0 : Math.floor(sector / TWO_32));
    ivAes?.encrypt(into, 0, BLOCK, NO_MASK);
  };
  const iv = new DataView(new ArrayBuffer(BLOCK));
  const each = (one: OneSector, bytes: Uint8Array, first: number): void => {
    assert(bytes.length % BLOCK === 0, `${bytes.length} bytes are no whole blocks`);
    const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let at = 0, sector = first; at < bytes.length; at += SECTOR, sector++) {
      writeIv(sector, iv);
      one(data, at, Math.min(at + SECTOR, bytes.length), iv);
    }
  };
  return {
    encrypt: (bytes, sector) => each(sectors.encrypt, bytes, sector),
    decrypt: (bytes, sector) => each(sectors.decrypt, bytes, sector),
    clear() {
      for (const one of [aes, tweakAes, ivAes]) one?.clear();
      scratch.fill(0);
    },
  };
}
