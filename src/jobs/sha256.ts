/** Incremental SHA-256, for files that do not fit WebCrypto's one call. */
import { sha256 } from '@noble/hashes/sha2.js';

const ZEROS = new Uint8Array(1024 * 1024);

export class Sha256 {
  readonly #hash = sha256.create();

  update(bytes: Uint8Array): this {
    this.#hash.update(bytes);
    return this;
  }

  /** The same as an update with so many zero bytes. */
  zeros(length: number): this {
    for (let left = length; left > 0; left -= ZEROS.length) this.#hash.update(ZEROS.subarray(0, left));
    return this;
  }

  /** Hex. Nothing may follow. */
  finish(): string {
    let text = '';
    for (const byte of this.#hash.digest()) text += byte.toString(16).padStart(2, '0');
    return text;
  }
}
