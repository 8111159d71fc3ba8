/** A disk's cipher with its key: whole sectors of 512 bytes, in place. */

export interface SectorCipher {
  /** `bytes`: whole sectors, of which `sector` is the number of the first, as its IV counts them. */
  encrypt(bytes: Uint8Array, sector: number): void;
  decrypt(bytes: Uint8Array, sector: number): void;
}
