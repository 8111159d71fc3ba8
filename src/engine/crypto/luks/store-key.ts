/** Puts a master key into a slot under a passphrase: how long to derive, split, encrypt. */
import { DiskwrightError } from '../../errors.ts';
import { type Deriving, iterationsPerSecond, type Pace } from '../derivation.ts';
import { splitKey } from './anti-forensic.ts';
import { type LuksHeader, type LuksSlot, MAX_ITERATIONS, materialBytes, SALT_BYTES, STRIPES } from './header.ts';
import { slotCipher } from './unlock.ts';

/** So many bytes that nobody can guess; from outside, the engine has no chance. */
export type RandomBytes = (length: number) => Uint8Array;

/** QEMU makes no key cheaper than this, however short the time. */
const FEWEST_ITERATIONS = 1000;
/** Milliseconds that deriving a key is to take, where nothing else is asked for. */
export const DEFAULT_ITER_TIME = 2000;

/** Iterations that take `milliseconds` here, `share` of them. */
export function* iterationsFor(question: Omit<Pace, 'kind'>, milliseconds: number, share = 1): Deriving<number> {
  if (milliseconds === 0) return FEWEST_ITERATIONS;
  const pace = yield* iterationsPerSecond(question);
  const iterations = Math.floor(Math.floor((pace * milliseconds) / 1000) / share);
  if (iterations > MAX_ITERATIONS) {
    throw new DiskwrightError(
      'invalid-option',
      `${milliseconds} ms are ${iterations} iterations here, more than the ${MAX_ITERATIONS} that are tried to open a disk.`,
      { option: 'iter-time' },
    );
  }
  return Math.max(iterations, FEWEST_ITERATIONS);
}

export interface StoredKey {
  readonly slot: LuksSlot;
  /** What goes to the slot's `keyOffset`. */
  readonly material: Uint8Array;
}

export function* storeKey(
  header: Pick<LuksHeader, 'cipher' | 'mode' | 'keyBytes' | 'hash'>,
  keyOffset: number,
  passphrase: Uint8Array,
  masterKey: Uint8Array,
  iterTime: number,
  random: RandomBytes,
): Deriving<StoredKey> {
  const { hash, keyBytes } = header;
  const salt = random(SALT_BYTES);
  const iterations = yield* iterationsFor({ hash, password: passphrase, salt, length: keyBytes }, iterTime);
  const cipher = yield* slotCipher(header, { salt, iterations }, passphrase);
  try {
    const material = random(materialBytes(keyBytes));
    splitKey(hash, masterKey, material);
    cipher.encrypt(material, 0);
    return { slot: { active: true, iterations, salt, keyOffset, stripes: STRIPES }, material };
  } finally {
    cipher.clear();
  }
}
