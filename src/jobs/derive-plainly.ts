/** PBKDF2 in plain JavaScript, a hundred times slower: for the hashes that a host does not have. */
import { pbkdf2 } from '@noble/hashes/pbkdf2.js';
import type { Derivation } from '../engine/crypto/derivation.ts';
import { HASHES } from '../engine/crypto/hashes.ts';

export const derivePlainly = ({ hash, password, salt, iterations, length }: Derivation): Uint8Array =>
  pbkdf2(HASHES[hash], password, salt, { c: iterations, dkLen: length });
