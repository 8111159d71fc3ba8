/** The header of a LUKS volume, version 1: what it says in the clear. Offsets on disk count sectors of 512 bytes. */
import { ascii, bytes, struct, u16, u32 } from '../bytes/struct.ts';
import { DiskwrightError } from '../errors.ts';

const SECTOR = 512;
const SLOTS = 8;
const ACTIVE = 0x00ac71f3;

const header = struct('LUKS header', 'big', {
  magic: ascii(6), // "LUKS" 0xba 0xbe
  version: u16,
  cipherName: ascii(32),
  cipherMode: ascii(32),
  hash: ascii(32),
  payloadSector: u32,
  keyBytes: u32,
  masterKeyDigest: bytes(20),
  masterKeySalt: bytes(32),
  masterKeyIterations: u32,
  uuid: ascii(40),
});

const slot = struct('LUKS key slot', 'big', {
  active: u32,
  iterations: u32,
  salt: bytes(32),
  keySector: u32,
  stripes: u32,
});

export const LUKS_HEADER_BYTES = header.size + SLOTS * slot.size;

export interface LuksSlot {
  readonly active: boolean;
  readonly iterations: number;
  readonly keyOffset: number;
  readonly stripes: number;
}

export interface LuksHeader {
  readonly cipherName: string;
  readonly cipherMode: string;
  readonly hash: string;
  readonly payloadOffset: number;
  readonly keyBytes: number;
  readonly masterKeyIterations: number;
  readonly uuid: string;
  readonly slots: readonly LuksSlot[];
}

/** Throws `corrupt` or `unsupported` for what is not the header of a version 1 volume. */
export function readLuksHeader(from: Uint8Array): LuksHeader {
  const fields = header.read(from);
  if (fields.magic !== 'LUKS\xba\xbe') throw new DiskwrightError('corrupt', 'LUKS header: its magic is missing.');
  if (fields.version !== 1) {
    throw new DiskwrightError('unsupported', `LUKS header: version ${fields.version}, known is 1.`);
  }
  const slots = Array.from({ length: SLOTS }, (_, i) => slot.read(from, header.size + i * slot.size));
  return {
    cipherName: fields.cipherName,
    cipherMode: fields.cipherMode,
    hash: fields.hash,
    payloadOffset: fields.payloadSector * SECTOR,
    keyBytes: fields.keyBytes,
    masterKeyIterations: fields.masterKeyIterations,
    uuid: fields.uuid,
    slots: slots.map(({ active, iterations, keySector, stripes }) => ({
      active: active === ACTIVE,
      iterations,
      keyOffset: keySector * SECTOR,
      stripes,
    })),
  };
}
