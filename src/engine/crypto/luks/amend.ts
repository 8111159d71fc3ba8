/**
 * Key slots of a volume that is there: another passphrase into a free one, or one erased. What is to be written comes
 * back as patches, to be written in their order with a flush behind each: at any moment the disk can be opened with
 * one of the passphrases that it should be opened with.
 */
import { DiskwrightError } from '../../errors.ts';
import type { Deriving } from '../derivation.ts';
import { type LuksHeader, materialBytes, SALT_BYTES, STRIPES, slotBytes } from './header.ts';
import { DEFAULT_ITER_TIME, type RandomBytes, storeKey } from './store-key.ts';
import { headerOf, isFeasible, keyInSlot, type LuksVolume, unlockLuks } from './unlock.ts';

export type KeySlotChange =
  | {
      readonly state: 'active';
      /** What the disk was opened with. */
      readonly passphrase: Uint8Array;
      readonly newPassphrase: Uint8Array;
      /** Absent: the first free one. */
      readonly keyslot?: number | undefined;
      /** Milliseconds that deriving its key takes. */
      readonly iterTime?: number | undefined;
      /** An active slot may be overwritten. */
      readonly force?: boolean | undefined;
    }
  | {
      readonly state: 'inactive';
      readonly keyslot?: number | undefined;
      /** Every slot that it opens; with `keyslot`: it must be the one of that slot. */
      readonly oldPassphrase?: Uint8Array | undefined;
      /** The last slot may go, too, and with it everything on the disk. */
      readonly force?: boolean | undefined;
    };

export interface Patch {
  /** Byte of the volume. */
  readonly at: number;
  readonly bytes: Uint8Array;
}

/** Flushed each time. QEMU overwrites 40 times without a flush in between, of which a host's cache leaves one. */
const OVERWRITES = 3;

function refused(option: string, message: string, fix?: string): DiskwrightError {
  return new DiskwrightError('invalid-option', message, { option, ...(fix === undefined ? {} : { fix }) });
}

function checkNumber({ slots }: LuksHeader, keyslot: number): void {
  if (Number.isInteger(keyslot) && slots[keyslot]) return;
  throw refused('keyslot', `There is no key slot ${keyslot}, they are 0 to ${slots.length - 1}.`);
}

const activeSlots = ({ slots }: LuksHeader): number => slots.filter(({ active }) => active).length;

function* addKey(
  volume: LuksVolume,
  change: KeySlotChange & { readonly state: 'active' },
  random: RandomBytes,
): Deriving<readonly Patch[]> {
  const { passphrase, newPassphrase, keyslot, iterTime = DEFAULT_ITER_TIME, force = false } = change;
  const header = headerOf(volume);
  if (keyslot !== undefined) checkNumber(header, keyslot);
  const number = keyslot ?? header.slots.findIndex(({ active }) => !active);
  const slot = header.slots[number];
  if (!slot) throw refused('keyslot', 'All key slots are in use.', 'Erase one first.');
  if (slot.active && !force) {
    throw refused('keyslot', `Key slot ${number} is in use.`, 'Choose another one, or none: then a free one is taken.');
  }
  const { masterKey, cipher } = yield* unlockLuks(volume, passphrase);
  cipher.clear();
  try {
    const into = function* (target: number, keyOffset: number): Deriving<Patch[]> {
      const stored = yield* storeKey(header, keyOffset, newPassphrase, masterKey, iterTime, random);
      return [{ at: keyOffset, bytes: stored.material }, slotBytes(target, stored.slot)];
    };
    const patches = yield* into(number, slot.keyOffset);
    // The only one, overwritten: until that is done another slot opens the disk.
    const spare = header.slots.findIndex(({ active }) => !active);
    const helper = header.slots[spare];
    if (!slot.active || activeSlots(header) > 1 || !helper) return patches;
    return [...(yield* into(spare, helper.keyOffset)), ...patches, ...erasing(header, spare, random)];
  } finally {
    masterKey.fill(0);
  }
}

function erasing({ slots, keyBytes }: LuksHeader, number: number, random: RandomBytes): Patch[] {
  const { keyOffset = 0 } = slots[number] ?? {};
  const salt = new Uint8Array(SALT_BYTES);
  const off = slotBytes(number, { active: false, iterations: 0, salt, keyOffset, stripes: STRIPES });
  const noise = Array.from({ length: OVERWRITES }, () => ({ at: keyOffset, bytes: random(materialBytes(keyBytes)) }));
  return [off, ...noise];
}

function* opens(volume: LuksVolume, header: LuksHeader, number: number, passphrase: Uint8Array): Deriving<boolean> {
  const key = yield* keyInSlot(volume, header, number, passphrase);
  key?.fill(0);
  return key !== undefined;
}

function* chosenSlots(
  volume: LuksVolume,
  header: LuksHeader,
  { keyslot, oldPassphrase, force = false }: KeySlotChange & { readonly state: 'inactive' },
): Deriving<readonly number[]> {
  if (keyslot !== undefined) {
    checkNumber(header, keyslot);
    const active = header.slots[keyslot]?.active === true;
    if (oldPassphrase && !(yield* opens(volume, header, keyslot, oldPassphrase))) {
      throw new DiskwrightError('passphrase', `The old passphrase is not that of key slot ${keyslot}.`);
    }
    if (!active && !force) throw refused('keyslot', `Key slot ${keyslot} is not in use.`);
    return [keyslot];
  }
  if (!oldPassphrase) {
    throw refused('keyslot', 'Which key slot is to be erased is not said.', 'Give its number or its passphrase.');
  }
  const numbers: number[] = [];
  for (let number = 0; number < header.slots.length; number++) {
    const slot = header.slots[number];
    if (slot && isFeasible(slot) && (yield* opens(volume, header, number, oldPassphrase))) numbers.push(number);
  }
  if (numbers.length === 0) throw new DiskwrightError('passphrase', 'The old passphrase opens none of the key slots.');
  return numbers;
}

function* eraseKeys(
  volume: LuksVolume,
  change: KeySlotChange & { readonly state: 'inactive' },
  random: RandomBytes,
): Deriving<readonly Patch[]> {
  const header = headerOf(volume);
  const numbers = yield* chosenSlots(volume, header, change);
  const left = activeSlots(header) - numbers.filter((number) => header.slots[number]?.active).length;
  if (left === 0 && !change.force) {
    throw refused(
      'keyslot',
      'Nothing would open the disk any more: no other key slot is in use.',
      'Add another passphrase first.',
    );
  }
  return numbers.flatMap((number) => erasing(header, number, random));
}

/** Throws `invalid-option` for a slot that cannot be meant, `passphrase` for one that opens nothing. */
export function* amendLuks(volume: LuksVolume, change: KeySlotChange, random: RandomBytes): Deriving<readonly Patch[]> {
  return change.state === 'active' ? yield* addKey(volume, change, random) : yield* eraseKeys(volume, change, random);
}
