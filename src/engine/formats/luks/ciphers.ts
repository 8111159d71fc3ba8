/** The ciphers, modes and hashes that a LUKS header may name (LUKS1 specification; what QEMU 7.2 knows). */
import { unsupported } from '../../image/recognise.ts';

/** Name → key lengths in bytes. */
const CIPHERS: Readonly<Record<string, readonly number[]>> = {
  aes: [16, 24, 32],
  cast5: [16],
  serpent: [16, 24, 32],
  twofish: [16, 24, 32],
};
const MODES = ['ecb', 'cbc', 'xts', 'ctr'];
const HASHES = ['md5', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512', 'ripemd160'];
const IV_GENERATORS = ['plain', 'plain64', 'essiv'];

export interface CipherSpec {
  readonly cipher: string;
  /** `xts-plain64`, `cbc-essiv:sha256`. */
  readonly mode: string;
  readonly hash: string;
  readonly keyBytes: number;
}

/** Throws `unsupported` for what QEMU would not open. */
export function checkCipher({ cipher, mode, hash, keyBytes }: CipherSpec): void {
  const dash = mode.indexOf('-');
  if (dash < 0) throw unsupported(`LUKS header: cipher mode "${mode}" names no IV generator.`);
  const [block, rest] = [mode.slice(0, dash), mode.slice(dash + 1)];
  const colon = rest.indexOf(':');
  const generator = colon < 0 ? rest : rest.slice(0, colon);
  const generatorHash = colon < 0 ? undefined : rest.slice(colon + 1);
  if (!MODES.includes(block)) throw unsupported(`LUKS header: cipher mode "${block}" is unknown.`);
  // XTS uses the key in two halves.
  const length = block === 'xts' ? keyBytes / 2 : keyBytes;
  if (!CIPHERS[cipher]?.includes(length)) {
    throw unsupported(`LUKS header: cipher "${cipher}" with a key of ${keyBytes} bytes is unknown.`);
  }
  if (!HASHES.includes(hash)) throw unsupported(`LUKS header: hash "${hash}" is unknown.`);
  if (!IV_GENERATORS.includes(generator)) throw unsupported(`LUKS header: IV generator "${generator}" is unknown.`);
  const badHash = generatorHash !== undefined && !HASHES.includes(generatorHash);
  if (badHash || (generator === 'essiv' && generatorHash === undefined)) {
    throw unsupported(`LUKS header: IV generator "${rest}" has no known hash.`);
  }
}
