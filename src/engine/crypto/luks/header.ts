/**
 * The header of a LUKS volume, version 1, and where its parts lie ("LUKS1 On-Disk Format Specification"; big-endian,
 * offsets count sectors of 512 bytes). Reading is as strict as QEMU's; a header that passes is small enough to work with.
 *
 *   0        header: names of cipher, mode and hash; digest of the master key
 *   208      eight key slots
 *   4096     key material of slot 0: the master key split into 4000 stripes, encrypted with the slot's key
 *   …        of slots 1 to 7, each from a multiple of 4096 on
 *   payload  the disk
 */
import { ascii, bytes, struct, u16, u32, type Values } from '../../bytes/struct.ts';
import { DiskwrightError } from '../../errors.ts';
import { parseCipher } from '../cipher-spec.ts';
import { type HashName, LUKS_HASHES } from '../derivation.ts';

const SECTOR = 512;
export const SLOTS = 8;
/** Into so many parts a key is split; other counts are refused, as by QEMU. */
export const STRIPES = 4000;
const ACTIVE = 0x00ac71f3;
const INACTIVE = 0x0000dead;
/** Where the first key material may begin, and what the others are aligned to. */
const FIRST_SECTOR = 4096 / SECTOR;
export const LUKS_MAGIC = 'LUKS\xba\xbe';
export const SALT_BYTES = 32;
export const DIGEST_BYTES = 20;
/**
 * More would take minutes for each passphrase that is tried, and is no sign of a careful person but of a broken or
 * hostile header: QEMU's default of two seconds is a few million on a fast machine.
 */
export const MAX_ITERATIONS = 2 ** 28;

const header = struct('LUKS header', 'big', {
  magic: ascii(6),
  version: u16,
  cipherName: bytes(32),
  cipherMode: bytes(32),
  hash: bytes(32),
  payloadSector: u32,
  keyBytes: u32,
  digest: bytes(DIGEST_BYTES),
  digestSalt: bytes(SALT_BYTES),
  digestIterations: u32,
  uuid: ascii(40),
});

const slot = struct('LUKS key slot', 'big', {
  state: u32,
  iterations: u32,
  salt: bytes(SALT_BYTES),
  keySector: u32,
  stripes: u32,
});

export const LUKS_HEADER_BYTES = header.size + SLOTS * slot.size;

export interface LuksSlot {
  readonly active: boolean;
  readonly iterations: number;
  readonly salt: Uint8Array;
  /** Byte of the volume. */
  readonly keyOffset: number;
  readonly stripes: number;
}

export interface LuksHeader {
  /** `aes`. */
  readonly cipher: string;
  /** `xts-plain64`. */
  readonly mode: string;
  readonly hash: HashName;
  /** Byte of the volume where the disk begins. */
  readonly payloadOffset: number;
  /** Of the master key. */
  readonly keyBytes: number;
  readonly digest: Uint8Array;
  readonly digestSalt: Uint8Array;
  readonly digestIterations: number;
  readonly uuid: string;
  readonly slots: readonly LuksSlot[];
}

const corrupt = (fact: string): DiskwrightError => new DiskwrightError('corrupt', fact);
const unsupported = (fact: string): DiskwrightError => new DiskwrightError('unsupported', fact);

/** Sectors of one slot's key material, up to where the next may begin. */
const slotSectors = (keyBytes: number): number =>
  Math.ceil((keyBytes * STRIPES) / SECTOR / FIRST_SECTOR) * FIRST_SECTOR;

/** Bytes of one slot's key material. */
export const materialBytes = (keyBytes: number): number => keyBytes * STRIPES;

export const keyOffsetOf = (slotNumber: number, keyBytes: number): number =>
  (FIRST_SECTOR + slotNumber * slotSectors(keyBytes)) * SECTOR;

/** Where the disk begins in a header that is made here: behind the last slot's key material. */
export const luksHeaderLength = (keyBytes: number): number => keyOffsetOf(SLOTS, keyBytes);

function text(field: Uint8Array, name: string): string {
  const end = field.indexOf(0);
  if (end < 0) throw corrupt(`LUKS header: the name of ${name} has no end.`);
  return String.fromCharCode(...field.subarray(0, end));
}

function checkSlots(slots: readonly Values<typeof slot>[], keyBytes: number, payload: number): void {
  const length = slotSectors(keyBytes);
  slots.forEach(({ state, iterations, keySector: at, stripes }, i) => {
    if (stripes !== STRIPES) throw corrupt(`LUKS key slot ${i}: ${stripes} stripes, expected ${STRIPES}.`);
    if (at < FIRST_SECTOR) throw corrupt(`LUKS key slot ${i}: its material lies inside the header.`);
    if (state !== ACTIVE && state !== INACTIVE) {
      throw corrupt(`LUKS key slot ${i}: state 0x${state.toString(16)} is neither active nor inactive.`);
    }
    if (state === ACTIVE && iterations === 0) throw corrupt(`LUKS key slot ${i}: no iterations.`);
    if (at + length > payload) throw corrupt(`LUKS key slot ${i}: its material reaches into the data.`);
    slots.slice(i + 1).forEach(({ keySector: other }, step) => {
      if (at < other + length && other < at + length) {
        throw corrupt(`LUKS key slots ${i} and ${i + 1 + step}: their material overlaps.`);
      }
    });
  });
}

export function isLuks(from: Uint8Array): boolean {
  return header.get('magic', from) === LUKS_MAGIC && header.get('version', from) === 1;
}

/** `from`: at least LUKS_HEADER_BYTES. Throws `corrupt` or `unsupported`. */
export function readLuksHeader(from: Uint8Array): LuksHeader {
  const fields = header.read(from);
  if (fields.magic !== LUKS_MAGIC) throw corrupt('LUKS header: it does not begin with "LUKS\\xba\\xbe".');
  if (fields.version !== 1) throw unsupported(`LUKS header: version is ${fields.version}, expected 1.`);
  const { payloadSector, keyBytes, digest, digestSalt, digestIterations, uuid } = fields;
  const cipher = text(fields.cipherName, 'the cipher');
  const mode = text(fields.cipherMode, 'the cipher mode');
  const hash = text(fields.hash, 'the hash');
  if (payloadSector < FIRST_SECTOR) throw corrupt('LUKS header: the data begins inside the header.');
  if (digestIterations === 0) throw corrupt('LUKS header: the master key has no iterations.');
  const slots = Array.from({ length: SLOTS }, (_, i) => slot.read(from, header.size + i * slot.size));
  checkSlots(slots, keyBytes, payloadSector);
  parseCipher({ cipher, mode, keyBytes });
  const knownHash = LUKS_HASHES.find((known) => known === hash);
  if (knownHash === undefined) throw unsupported(`LUKS header: hash "${hash}" is unknown.`);
  return {
    cipher,
    mode,
    hash: knownHash,
    payloadOffset: payloadSector * SECTOR,
    keyBytes,
    digest,
    digestSalt,
    digestIterations,
    uuid,
    slots: slots.map(({ state, iterations, salt, keySector, stripes }) => ({
      active: state === ACTIVE,
      iterations,
      salt,
      keyOffset: keySector * SECTOR,
      stripes,
    })),
  };
}

/** One slot as it stands in the header, and where. */
export function slotBytes(slotNumber: number, values: LuksSlot): { readonly at: number; readonly bytes: Uint8Array } {
  const into = new Uint8Array(slot.size);
  const { active, iterations, salt, keyOffset, stripes } = values;
  slot.write({ state: active ? ACTIVE : INACTIVE, iterations, salt, keySector: keyOffset / SECTOR, stripes }, into);
  return { at: header.size + slotNumber * slot.size, bytes: into };
}

const padded = (name: string): Uint8Array => {
  const field = new Uint8Array(32);
  for (let i = 0; i < name.length; i++) field[i] = name.charCodeAt(i);
  return field;
};

export function writeLuksHeader(values: LuksHeader, into: Uint8Array): void {
  const { cipher, mode, hash, payloadOffset, keyBytes, digest, digestSalt, digestIterations, uuid } = values;
  header.write(
    {
      magic: LUKS_MAGIC,
      version: 1,
      cipherName: padded(cipher),
      cipherMode: padded(mode),
      hash: padded(hash),
      payloadSector: payloadOffset / SECTOR,
      keyBytes,
      digest,
      digestSalt,
      digestIterations,
      uuid,
    },
    into,
  );
  values.slots.forEach((one, i) => {
    const { at, bytes: written } = slotBytes(i, one);
    into.set(written, at);
  });
}
