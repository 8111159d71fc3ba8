/**
 * Recognises LUKS version 1 and reads the size of the disk inside: what follows the header ("LUKS1
 * On-Disk Format Specification"; all big-endian). Which disk it is, no one knows without the key.
 */
import { roundUp } from '../../bytes/math.ts';
import { bytes, reserved, struct, u16, u32 } from '../../bytes/struct.ts';
import { asciiText } from '../../bytes/text.ts';
import type { FormatDriver } from '../../image/format.ts';
import { corrupt, lengthInSectors, notThisFormat, readBytes, SECTOR, unsupported } from '../../image/recognise.ts';
import { checkCipher } from './ciphers.ts';

const header = struct('LUKS header', 'big', {
  magic: bytes(6),
  version: u16,
  /** Texts end with a NUL. */
  cipherName: bytes(32),
  /** Mode and IV generator: `xts-plain64`. */
  cipherMode: bytes(32),
  hashSpec: bytes(32),
  /** Sectors. */
  payloadOffset: u32,
  keyBytes: u32,
  masterKeyDigest: reserved(20),
  masterKeySalt: reserved(32),
  masterKeyIterations: u32,
  uuid: reserved(40),
});

const keySlot = struct('LUKS key slot', 'big', {
  active: u32,
  iterations: u32,
  salt: reserved(32),
  /** Sectors. */
  keyMaterialOffset: u32,
  stripes: u32,
});
type KeySlot = ReturnType<typeof keySlot.read>;

const MAGIC = 'LUKS\xba\xbe';
const KEY_SLOTS = 8;
const ENABLED = 0x00ac71f3;
const DISABLED = 0x0000dead;
const STRIPES = 4000;
/** Where the first key material may begin. */
const FIRST_SECTOR = 4096 / SECTOR;

function text(field: Uint8Array, name: string): string {
  const end = field.indexOf(0);
  if (end < 0) throw corrupt(`LUKS header: ${name} has no end.`);
  return asciiText(field.subarray(0, end));
}

/** Sectors of one slot's split key. */
const slotSectors = (keyBytes: number): number => roundUp(Math.ceil((keyBytes * STRIPES) / SECTOR), FIRST_SECTOR);

function checkSlots(slots: readonly KeySlot[], keyBytes: number, payload: number): void {
  const length = slotSectors(keyBytes);
  slots.forEach((slot, i) => {
    const at = slot.keyMaterialOffset;
    if (slot.stripes !== STRIPES) throw corrupt(`LUKS key slot ${i}: ${slot.stripes} stripes, expected ${STRIPES}.`);
    if (at < FIRST_SECTOR) throw corrupt(`LUKS key slot ${i}: its material lies inside the header.`);
    if (slot.active !== ENABLED && slot.active !== DISABLED) {
      throw corrupt(`LUKS key slot ${i}: state 0x${slot.active.toString(16)} is neither enabled nor disabled.`);
    }
    if (slot.active === ENABLED && slot.iterations === 0) throw corrupt(`LUKS key slot ${i}: no iterations.`);
    if (at + length > payload) throw corrupt(`LUKS key slot ${i}: its material reaches into the data.`);
    slots.slice(i + 1).forEach((other, step) => {
      const otherAt = other.keyMaterialOffset;
      if (at < otherAt + length && otherAt < at + length) {
        throw corrupt(`LUKS key slots ${i} and ${i + 1 + step}: their material overlaps.`);
      }
    });
  });
}

export const luksDriver: FormatDriver = {
  probe(device) {
    const head = readBytes(device, 0, header.size);
    const fits = asciiText(header.get('magic', head)) === MAGIC && header.get('version', head) === 1;
    return fits ? '"LUKS\\xba\\xbe" at 0, version 1' : undefined;
  },

  virtualSize(device) {
    const raw = readBytes(device, 0, header.size + KEY_SLOTS * keySlot.size);
    const head = header.read(raw);
    if (asciiText(head.magic) !== MAGIC)
      throw notThisFormat('Not a LUKS image: it does not begin with "LUKS\\xba\\xbe".');
    if (head.version !== 1) throw unsupported(`LUKS header: version is ${head.version}, expected 1.`);
    const cipher = text(head.cipherName, 'the cipher');
    const mode = text(head.cipherMode, 'the cipher mode');
    const hash = text(head.hashSpec, 'the hash');
    if (head.payloadOffset < FIRST_SECTOR) throw corrupt('LUKS header: the data begins inside the header.');
    if (head.masterKeyIterations === 0) throw corrupt('LUKS header: the master key has no iterations.');
    const slots = Array.from({ length: KEY_SLOTS }, (_, i) => keySlot.read(raw, header.size + i * keySlot.size));
    checkSlots(slots, head.keyBytes, head.payloadOffset);
    checkCipher({ cipher, mode, hash, keyBytes: head.keyBytes });
    const payload = head.payloadOffset * SECTOR;
    const length = lengthInSectors(device);
    if (payload > length) throw corrupt(`LUKS header: the data begins at ${payload}, but the file ends at ${length}.`);
    return length - payload;
  },
};
