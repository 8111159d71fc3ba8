/**
 * The encryption of an image's guest data (contract: qcow2-format.md §8). Tables are never encrypted. LUKS counts the
 * sectors of the host, the old AES those of the guest: hence both places are asked for.
 */
import type { SectorCipher } from '../../../crypto/sector-cipher.ts';
import { DiskwrightError } from '../../../errors.ts';

/** What is encrypted together; requests to an encrypted disk cover whole ones. */
export const SECTOR = 512;

/** The most clusters that one request of an encrypted disk covers: it decides where refcount blocks land. */
export const MAX_CLUSTERS = 32;

export const CryptMethod = { none: 0, aes: 1, luks: 2 } as const;

export class DiskCipher {
  readonly #byHost: boolean;
  readonly #cipher: SectorCipher | undefined;
  #scratch = new Uint8Array(0);

  /** Without `cipher` the disk is locked. */
  constructor(method: number, cipher: SectorCipher | undefined) {
    this.#byHost = method === CryptMethod.luks;
    this.#cipher = cipher;
  }

  /** Whole sectors, in place. */
  decrypt(guest: number, host: number, bytes: Uint8Array): void {
    this.#unlocked.decrypt(bytes, (this.#byHost ? host : guest) / SECTOR);
  }

  /** A copy of whole sectors, encrypted; valid until the next call. */
  encrypted(guest: number, host: number, bytes: Uint8Array): Uint8Array {
    if (this.#scratch.length < bytes.length) this.#scratch = new Uint8Array(bytes.length);
    const copy = this.#scratch.subarray(0, bytes.length);
    copy.set(bytes);
    this.#unlocked.encrypt(copy, (this.#byHost ? host : guest) / SECTOR);
    return copy;
  }

  insistUnlocked(): void {
    this.#unlocked;
  }

  get #unlocked(): SectorCipher {
    if (this.#cipher) return this.#cipher;
    throw new DiskwrightError('passphrase', 'the disk is encrypted, and no passphrase was given');
  }
}

/** Undefined for a disk that is not encrypted. */
export const diskCipherOf = (method: number, cipher: SectorCipher | undefined): DiskCipher | undefined =>
  method === CryptMethod.none ? undefined : new DiskCipher(method, cipher);
