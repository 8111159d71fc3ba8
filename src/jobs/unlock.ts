/** A disk's passphrase → its cipher, and a new disk's passphrase → its LUKS header. */
import type { Deriving } from '../engine/crypto/derivation.ts';
import { legacyAesCipher } from '../engine/crypto/legacy-aes.ts';
import { amendLuks, type KeySlotChange, type Patch } from '../engine/crypto/luks/amend.ts';
import { createLuks } from '../engine/crypto/luks/create.ts';
import type { RandomBytes } from '../engine/crypto/luks/store-key.ts';
import { type LuksVolume, unlockLuks } from '../engine/crypto/luks/unlock.ts';
import type { SectorCipher } from '../engine/crypto/sector-cipher.ts';
import type { ReadableDevice } from '../engine/device/device.ts';
import { DiskwrightError } from '../engine/errors.ts';
import type { Lock } from '../engine/image/format.ts';
import { luksRequestOf } from '../engine/image/luks-request.ts';
import type { OptionTexts } from '../engine/options/declare.ts';

/** The stretch of a file that a LUKS header takes; nothing beyond it is read. */
export function luksVolume(device: ReadableDevice, at: number, length: number): LuksVolume {
  return {
    read(offset, into) {
      into.fill(0);
      const reach = Math.max(0, Math.min(into.length, length - offset));
      if (reach > 0) device.read(at + offset, into.subarray(0, reach));
    },
  };
}

/** Throws `passphrase` for a wrong one, where that can be told. */
export function* unlockDisk(device: ReadableDevice, lock: Lock, passphrase: Uint8Array): Deriving<SectorCipher> {
  if (lock.kind === 'aes') return legacyAesCipher(passphrase);
  const { cipher, masterKey } = yield* unlockLuks(luksVolume(device, lock.at, lock.length), passphrase);
  masterKey.fill(0);
  return cipher;
}

/** `texts`: by the names of the whole-file format (`cipher-alg`, …), without problems. */
export function* createLuksHeader(
  texts: OptionTexts,
  passphrase: Uint8Array,
  random: RandomBytes,
): Deriving<Uint8Array> {
  return yield* createLuks(luksRequestOf(texts), passphrase, random);
}

export type KeyChange = KeySlotChange;

/** What is to be written from the start of the LUKS header on, in this order, each flushed before the next. */
export function* amendKeys(
  device: ReadableDevice,
  lock: Lock,
  change: KeyChange,
  random: RandomBytes,
): Deriving<readonly Patch[]> {
  if (lock.kind !== 'luks') {
    throw new DiskwrightError('unsupported', 'The disk is encrypted with the old AES, which has no key slots.');
  }
  return yield* amendLuks(luksVolume(device, lock.at, lock.length), change, random);
}
