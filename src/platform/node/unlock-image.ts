/** What is said of an image's encryption → its disk unlocked. */
import type { SectorCipher } from '../../engine/crypto/sector-cipher.ts';
import type { ReadableDevice } from '../../engine/device/device.ts';
import { DiskwrightError } from '../../engine/errors.ts';
import type { BackingReference, FormatDriver } from '../../engine/image/format.ts';
import { unlockDisk } from '../../jobs/unlock.ts';
import { answered } from './derive-keys.ts';
import type { Secrets } from './secrets.ts';

/** As `--image-opts` and `-o` say it. */
export interface EncryptionSaid {
  /** `luks` or `aes`. */
  readonly format?: string;
  /** The id of the secret. */
  readonly secret?: string;
}

export interface ImageReference extends BackingReference {
  readonly encryption?: EncryptionSaid;
  /** The same of what it rests on, the nearest first. */
  readonly encryptionBelow?: readonly EncryptionSaid[];
}

/** What is said of image number `depth` of a chain that begins with `reference`. */
export const saidOf = (reference: ImageReference, depth: number): EncryptionSaid =>
  (depth === 0 ? reference.encryption : reference.encryptionBelow?.[depth - 1]) ?? {};

interface LockedFile {
  readonly name: string;
  readonly driver: FormatDriver;
  readonly device: ReadableDevice;
}

export interface UnlockOptions {
  readonly secrets?: Secrets | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Undefined: it is not encrypted, or no secret is given for it, and its disk stays locked. Throws `passphrase` for one
 * that does not open it.
 */
export async function unlockImage(
  { name, driver, device }: LockedFile,
  { format, secret }: EncryptionSaid,
  { secrets, signal }: UnlockOptions,
): Promise<SectorCipher | undefined> {
  const lock = driver.lock?.(device);
  if (format !== undefined && format !== lock?.kind) {
    const is = lock ? `encrypted with ${lock.kind}` : 'not encrypted';
    throw new DiskwrightError('invalid-option', `${name}: the image is ${is}, and encrypt.format=${format} is given`);
  }
  if (!lock || secret === undefined) return undefined;
  const passphrase = secrets?.get(secret);
  if (!passphrase) throw new DiskwrightError('passphrase', `${name}: there is no secret "${secret}"`);
  try {
    return await answered(unlockDisk(device, lock, passphrase), signal ? { signal } : {});
  } catch (thrown) {
    if (!(thrown instanceof DiskwrightError)) throw thrown;
    throw new DiskwrightError(thrown.kind, `${name}: ${thrown.message}`, {
      cause: thrown,
      ...(thrown.fix === undefined ? {} : { fix: thrown.fix }),
    });
  }
}
