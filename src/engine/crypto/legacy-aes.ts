/**
 * The old encryption of qcow and qcow2: the passphrase itself is the key. Nothing tells a wrong one, and equal
 * sectors of two images look equal; kept because such images exist.
 */
import { type SectorCipher, sectorCipher } from './sector-cipher.ts';

const KEY_BYTES = 16;

/** The first 16 bytes of the passphrase, filled up with zeros; sectors count from the start of the disk. */
export function legacyAesCipher(passphrase: Uint8Array): SectorCipher {
  const key = new Uint8Array(KEY_BYTES);
  key.set(passphrase.subarray(0, KEY_BYTES));
  const cipher = sectorCipher({ algorithm: 'aes-128', mode: 'cbc', ivgen: 'plain64' }, key);
  key.fill(0);
  return cipher;
}
