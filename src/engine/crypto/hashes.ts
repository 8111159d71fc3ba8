/** The hashes that a LUKS header may name. They are needed for little data; whole disks are never hashed here. */
import { md5, ripemd160, sha1 } from '@noble/hashes/legacy.js';
import { sha224, sha256, sha384, sha512 } from '@noble/hashes/sha2.js';
import type { HashName } from './derivation.ts';

export const HASHES = { md5, sha1, sha224, sha256, sha384, sha512, ripemd160 } as const satisfies Record<
  HashName,
  unknown
>;
