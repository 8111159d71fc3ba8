/** How a disk is encrypted, in QEMU's terms: algorithm, mode, where the IV of a sector comes from. */
import { DiskwrightError } from '../errors.ts';
import { type HashName, LUKS_HASHES } from './derivation.ts';

export const ALGORITHMS = ['aes-128', 'aes-192', 'aes-256'] as const;
export const MODES = ['xts', 'cbc', 'ctr', 'ecb'] as const;
export const IV_GENERATORS = ['plain64', 'plain', 'essiv'] as const;

export type Algorithm = (typeof ALGORITHMS)[number];
export type Mode = (typeof MODES)[number];

export interface CipherSpec {
  readonly algorithm: Algorithm;
  readonly mode: Mode;
  /**
   * The IV of a sector: its number in 32 bits (`plain`) or 64 (`plain64`), or that number encrypted with the hash of
   * the key (`essiv`).
   */
  readonly ivgen: (typeof IV_GENERATORS)[number];
  /** Of `essiv`; what another generator carries along means nothing. */
  readonly ivgenHash?: HashName | undefined;
}

/** Ciphers that QEMU knows and nobody has audited in plain JavaScript, with their key lengths in bytes. */
const OTHER_CIPHERS: Readonly<Record<string, readonly number[]>> = {
  cast5: [16],
  serpent: [16, 24, 32],
  twofish: [16, 24, 32],
};

const isOneOf = <T extends string>(all: readonly T[], text: string): text is T =>
  (all as readonly string[]).includes(text);

const bits = (algorithm: Algorithm): number => Number(algorithm.slice(4));

/** XTS uses two keys: one for the data, one for the tweak. */
export const keyBytesOf = ({ algorithm, mode }: CipherSpec): number => (bits(algorithm) / 8) * (mode === 'xts' ? 2 : 1);

const unsupported = (fact: string): DiskwrightError => new DiskwrightError('unsupported', `LUKS header: ${fact}.`);

export interface NamedCipher {
  /** `aes`. */
  readonly cipher: string;
  /** `xts-plain64`, `cbc-essiv:sha256`. */
  readonly mode: string;
  readonly keyBytes: number;
}

/** What the texts of a header mean, whether or not its data can be read here. Throws `unsupported` where QEMU refuses it. */
export function parseCipher({ cipher, mode, keyBytes }: NamedCipher): Omit<CipherSpec, 'algorithm'> & {
  /** `aes-256`, `serpent-128`: not only what works here. */
  readonly algorithm: string;
} {
  const dash = mode.indexOf('-');
  if (dash < 0) throw unsupported(`cipher mode "${mode}" names no IV generator`);
  const [block, rest] = [mode.slice(0, dash), mode.slice(dash + 1)];
  const colon = rest.indexOf(':');
  const ivgen = colon < 0 ? rest : rest.slice(0, colon);
  const ivgenHash = colon < 0 ? undefined : rest.slice(colon + 1);
  if (!isOneOf(MODES, block)) throw unsupported(`cipher mode "${block}" is unknown`);
  const length = block === 'xts' ? keyBytes / 2 : keyBytes;
  const lengths = cipher === 'aes' ? [16, 24, 32] : OTHER_CIPHERS[cipher];
  if (!lengths?.includes(length)) throw unsupported(`cipher "${cipher}" with a key of ${keyBytes} bytes is unknown`);
  if (!isOneOf(IV_GENERATORS, ivgen)) throw unsupported(`IV generator "${ivgen}" is unknown`);
  const known = ivgenHash === undefined || isOneOf(LUKS_HASHES, ivgenHash);
  if (!known || (ivgen === 'essiv' && ivgenHash === undefined)) {
    throw unsupported(`IV generator "${rest}" has no known hash`);
  }
  return { algorithm: `${cipher}-${length * 8}`, mode: block, ivgen, ivgenHash };
}

/** The same, for who wants to read or write. Throws `unsupported` by name for what is not AES. */
export function usableCipher(named: NamedCipher): CipherSpec {
  const { algorithm, ...spec } = parseCipher(named);
  if (isOneOf(ALGORITHMS, algorithm)) return { algorithm, ...spec };
  throw new DiskwrightError('unsupported', `LUKS header: the disk is encrypted with ${algorithm}, known here is AES.`, {
    fix: 'qemu-img convert reads it and can make an image with AES of it.',
  });
}

/** As a header names it. */
export function cipherNames(spec: CipherSpec): NamedCipher {
  const { mode, ivgen, ivgenHash } = spec;
  const hash = ivgenHash === undefined ? '' : `:${ivgenHash}`;
  return { cipher: 'aes', mode: `${mode}-${ivgen}${hash}`, keyBytes: keyBytesOf(spec) };
}
