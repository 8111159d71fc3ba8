/**
 * The anti-forensic split: a key becomes 4000 stripes of which every bit is needed, so that one overwritten sector
 * of key material makes the key unrecoverable (LUKS1 specification, chapter 2.4).
 */
import type { HashName } from '../derivation.ts';
import { HASHES } from '../hashes.ts';

/** Hashes `block` in place, piece by piece; each piece has its number in front. */
function diffuse(name: HashName, block: Uint8Array): void {
  const hash = HASHES[name];
  const numbered = new Uint8Array(4 + hash.outputLen);
  const view = new DataView(numbered.buffer);
  for (let at = 0, i = 0; at < block.length; at += hash.outputLen, i++) {
    const piece = block.subarray(at, at + hash.outputLen);
    view.setUint32(0, i);
    numbered.set(piece, 4);
    const digest = hash(numbered.subarray(0, 4 + piece.length));
    piece.set(digest.subarray(0, piece.length));
    digest.fill(0);
  }
  numbered.fill(0);
}

/** What all stripes but the last one come to. */
function gathered(hash: HashName, stripes: Uint8Array, keyBytes: number): Uint8Array {
  const block = new Uint8Array(keyBytes);
  for (let at = 0; at < stripes.length - keyBytes; at += keyBytes) {
    for (let i = 0; i < keyBytes; i++) block[i] = (block[i] as number) ^ (stripes[at + i] as number);
    diffuse(hash, block);
  }
  return block;
}

/** `stripes`: random bytes; the last stripe is replaced so that they merge to `key`. */
export function splitKey(hash: HashName, key: Uint8Array, stripes: Uint8Array): void {
  const block = gathered(hash, stripes, key.length);
  const last = stripes.length - key.length;
  for (let i = 0; i < key.length; i++) stripes[last + i] = (block[i] as number) ^ (key[i] as number);
  block.fill(0);
}

export function mergeKey(hash: HashName, stripes: Uint8Array, keyBytes: number): Uint8Array {
  const key = gathered(hash, stripes, keyBytes);
  const last = stripes.length - keyBytes;
  for (let i = 0; i < keyBytes; i++) key[i] = (key[i] as number) ^ (stripes[last + i] as number);
  return key;
}
