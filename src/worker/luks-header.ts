/**
 * What a new disk is encrypted with, made of the order's passphrase in the worker. The header made last is kept: its
 * salts are random, and who asks for a digest afterwards means the file that was saved.
 */
import type { SectorCipher } from '../engine/crypto/sector-cipher.ts';
import type { ReadableDevice } from '../engine/device/device.ts';
import { DiskwrightError } from '../engine/errors.ts';
import type { CreateDriver, FormatDriver } from '../engine/image/format.ts';
import { createLuksHeader, unlockDisk } from '../jobs/unlock.ts';
import { answered, randomBytes } from '../platform/browser/derive-keys.ts';
import type { CreateOrder } from './engine-client.ts';

let last: { readonly key: string; readonly header: Uint8Array } | undefined;

const keyOf = ({ format, texts }: CreateOrder): string => JSON.stringify([format, texts]);

function passphraseOf({ passphrase }: CreateOrder): Uint8Array {
  if (passphrase && passphrase.length > 0) return passphrase;
  throw new DiskwrightError('passphrase', 'An encrypted disk needs a passphrase.', { option: 'encrypt.key-secret' });
}

/** Undefined: the disk gets no LUKS header. `again`: the one that was made for such an order before, or none at all. */
export async function luksHeaderFor(
  order: CreateOrder,
  create: CreateDriver,
  signal: AbortSignal,
  again = false,
): Promise<Uint8Array | undefined> {
  const wish = create.encryption?.({ texts: order.texts });
  if (wish?.kind !== 'luks') return undefined;
  const key = keyOf(order);
  if (again) {
    if (last?.key === key) return last.header;
    // Another header has other salts: its digest would be of a file that there is not.
    throw new DiskwrightError(
      'unsupported',
      'The digest of an encrypted disk is known only right after it was saved.',
      {
        fix: 'Take it of the saved file: sha256sum, or Get-FileHash on Windows.',
      },
    );
  }
  const header = await answered(createLuksHeader(wish.texts, passphraseOf(order), randomBytes), { signal });
  last = { key, header };
  return header;
}

/** Unlocks a new image to fill it; undefined: it is not encrypted. */
export async function cipherFor(
  order: CreateOrder,
  driver: FormatDriver,
  device: ReadableDevice,
  signal: AbortSignal,
): Promise<SectorCipher | undefined> {
  const lock = driver.lock?.(device);
  return lock && (await answered(unlockDisk(device, lock, passphraseOf(order)), { signal }));
}

/** The order's passphrase is not needed any more. */
export const forgetPassphrase = ({ passphrase }: CreateOrder): void => {
  passphrase?.fill(0);
};
