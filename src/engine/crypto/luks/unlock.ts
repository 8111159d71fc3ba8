/** Passphrase → master key → the disk's cipher. */
import { DiskwrightError } from '../../errors.ts';
import { usableCipher } from '../cipher-spec.ts';
import { type Deriving, derived } from '../derivation.ts';
import { type SectorCipher, sectorCipher } from '../sector-cipher.ts';
import { mergeKey } from './anti-forensic.ts';
import {
  DIGEST_BYTES,
  LUKS_HEADER_BYTES,
  type LuksHeader,
  MAX_ITERATIONS,
  materialBytes,
  readLuksHeader,
} from './header.ts';

/** What the volume lies on, from the volume's first byte on; what is past its end reads as zeros. */
export interface LuksVolume {
  read(at: number, into: Uint8Array): void;
}

export interface Unlocked {
  readonly header: LuksHeader;
  readonly cipher: SectorCipher;
  /** The slot that the passphrase opened. */
  readonly slot: number;
  /** Whoever asked clears it. */
  readonly masterKey: Uint8Array;
}

export function headerOf(volume: LuksVolume): LuksHeader {
  const raw = new Uint8Array(LUKS_HEADER_BYTES);
  volume.read(0, raw);
  return readLuksHeader(raw);
}

function tooSlow(what: string, iterations: number): DiskwrightError {
  return new DiskwrightError(
    'unsupported',
    `LUKS ${what}: ${iterations} iterations, which would take minutes to hours; at most ${MAX_ITERATIONS} are tried here.`,
  );
}

/** Whether its key can be derived in reasonable time: a slot that says otherwise must not shut the others. */
export const isFeasible = ({ iterations }: { readonly iterations: number }): boolean => iterations <= MAX_ITERATIONS;

export function* masterKeyDigest(
  key: Uint8Array,
  { hash, digestSalt, digestIterations }: Pick<LuksHeader, 'hash' | 'digestSalt' | 'digestIterations'>,
): Deriving<Uint8Array> {
  return yield* derived({
    hash,
    password: key,
    salt: digestSalt,
    iterations: digestIterations,
    length: DIGEST_BYTES,
  });
}

/** The cipher of one slot's key material. */
export function* slotCipher(
  header: Pick<LuksHeader, 'cipher' | 'mode' | 'keyBytes' | 'hash'>,
  { salt, iterations }: { readonly salt: Uint8Array; readonly iterations: number },
  passphrase: Uint8Array,
): Deriving<SectorCipher> {
  const spec = usableCipher(header);
  const { hash, keyBytes } = header;
  const key = yield* derived({ hash, password: passphrase, salt, iterations, length: keyBytes });
  try {
    return sectorCipher(spec, key);
  } finally {
    key.fill(0);
  }
}

/** The master key, if slot `number` holds it under this passphrase. */
export function* keyInSlot(
  volume: LuksVolume,
  header: LuksHeader,
  number: number,
  passphrase: Uint8Array,
): Deriving<Uint8Array | undefined> {
  const slot = header.slots[number];
  if (!slot?.active) return undefined;
  if (!isFeasible(slot)) throw tooSlow(`key slot ${number}`, slot.iterations);
  if (!isFeasible({ iterations: header.digestIterations })) throw tooSlow('header', header.digestIterations);
  const cipher = yield* slotCipher(header, slot, passphrase);
  const stripes = new Uint8Array(materialBytes(header.keyBytes));
  let candidate: Uint8Array;
  try {
    volume.read(slot.keyOffset, stripes);
    cipher.decrypt(stripes, 0);
    candidate = mergeKey(header.hash, stripes, header.keyBytes);
  } finally {
    cipher.clear();
    stripes.fill(0);
  }
  let fits = false;
  try {
    const digest = yield* masterKeyDigest(candidate, header);
    fits = digest.every((byte, i) => byte === header.digest[i]);
  } finally {
    if (!fits) candidate.fill(0);
  }
  return fits ? candidate : undefined;
}

/** Tries the slots in order, those last that would take too long. Throws `passphrase` where none opens, `corrupt` or `unsupported` for what cannot be read. */
export function* unlockLuks(volume: LuksVolume, passphrase: Uint8Array): Deriving<Unlocked> {
  const header = headerOf(volume);
  const spec = usableCipher(header);
  if (!header.slots.some(({ active }) => active)) {
    throw new DiskwrightError(
      'corrupt',
      'LUKS header: no key slot is active, so that nothing opens the disk any more.',
    );
  }
  const numbers = header.slots.map((_, number) => number);
  const slow = numbers.filter((number) => header.slots[number]?.active && !isFeasible(header.slots[number]));
  for (const slot of [...numbers.filter((number) => !slow.includes(number)), ...slow]) {
    const masterKey = yield* keyInSlot(volume, header, slot, passphrase);
    if (masterKey) return { header, cipher: sectorCipher(spec, masterKey), slot, masterKey };
  }
  throw new DiskwrightError('passphrase', 'This passphrase opens none of the key slots.');
}
