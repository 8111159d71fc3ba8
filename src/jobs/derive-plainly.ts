/** PBKDF2 in plain JavaScript, a hundred times slower: for the hashes that a host does not have. */
import { pbkdf2 } from '@noble/hashes/pbkdf2.js';
import type { Derivation } from '../engine/crypto/derivation.ts';
import { HASHES } from '../engine/crypto/hashes.ts';
import { DiskwrightError } from '../engine/errors.ts';

/** Half a minute or so, in one piece. */
const MOST_ROUNDS = 2 ** 24;

/** Throws `unsupported` for what would take far too long. */
export function derivePlainly({ hash, password, salt, iterations, length }: Derivation): Uint8Array {
  const rounds = iterations * Math.ceil(length / HASHES[hash].outputLen);
  if (rounds > MOST_ROUNDS) {
    throw new DiskwrightError(
      'unsupported',
      `LUKS key: ${iterations} iterations of ${hash}, which this host does not have built in; here they would take minutes to hours.`,
    );
  }
  return pbkdf2(HASHES[hash], password, salt, { c: iterations, dkLen: length });
}
