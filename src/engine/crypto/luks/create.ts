/** A new LUKS volume's header with one passphrase, up to where the disk begins (contract: qcow2-format.md §8). */
import { type CipherSpec, cipherNames } from '../cipher-spec.ts';
import type { Deriving, HashName } from '../derivation.ts';
import { DIGEST_BYTES, keyOffsetOf, luksHeaderLength, SALT_BYTES, SLOTS, STRIPES, writeLuksHeader } from './header.ts';
import { iterationsFor, type RandomBytes, storeKey } from './store-key.ts';
import { masterKeyDigest } from './unlock.ts';

export interface NewLuks {
  readonly cipher: CipherSpec;
  /** Of the derivations and of the split. */
  readonly hash: HashName;
  /** Milliseconds that deriving a key takes. */
  readonly iterTime: number;
}

/** The master key's digest takes an eighth of the time, as in cryptsetup and QEMU. */
const DIGEST_SHARE = 8;

/** A random UUID (version 4) as text. */
function uuidOf(bytes: Uint8Array): string {
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** Zeros where nothing is. Throws `invalid-option` or `unsupported` before any long work. */
export function* createLuks(request: NewLuks, passphrase: Uint8Array, random: RandomBytes): Deriving<Uint8Array> {
  const { hash, iterTime } = request;
  const names = cipherNames(request.cipher);
  const { keyBytes } = names;
  const payloadOffset = luksHeaderLength(keyBytes);
  const masterKey = random(keyBytes);
  try {
    const digestSalt = random(SALT_BYTES);
    const digestIterations = yield* iterationsFor(
      { hash, password: masterKey, salt: digestSalt, length: DIGEST_BYTES },
      iterTime,
      DIGEST_SHARE,
    );
    const digest = yield* masterKeyDigest(masterKey, { hash, digestSalt, digestIterations });
    const first = keyOffsetOf(0, keyBytes);
    const stored = yield* storeKey({ ...names, hash }, first, passphrase, masterKey, iterTime, random);
    const unused = Array.from({ length: SLOTS - 1 }, (_, i) => ({
      active: false,
      iterations: 0,
      salt: new Uint8Array(SALT_BYTES),
      keyOffset: keyOffsetOf(i + 1, keyBytes),
      stripes: STRIPES,
    }));
    const area = new Uint8Array(payloadOffset);
    const slots = [stored.slot, ...unused];
    const uuid = uuidOf(random(16));
    writeLuksHeader({ ...names, hash, payloadOffset, digest, digestSalt, digestIterations, uuid, slots }, area);
    area.set(stored.material, first);
    return area;
  } finally {
    masterKey.fill(0);
  }
}
