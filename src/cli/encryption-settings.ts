/**
 * What is said of an image's encryption among its settings: `encrypt.key-secret=sec0`, of a whole-file LUKS image
 * `key-secret=sec0`, and of what it rests on `backing.encrypt.key-secret=sec0`.
 */
import type { EncryptionSaid, ImageReference } from '../platform/node/unlock-image.ts';

const SETTING = /^((?:backing\.)*)(?:encrypt\.(format|key-secret)|(key-secret))$/;

export interface TakenEncryption {
  readonly encryption: Pick<ImageReference, 'encryption' | 'encryptionBelow'>;
  /** The other settings. */
  readonly rest: Readonly<Record<string, string>>;
}

export function takeEncryption(settings: Readonly<Record<string, string>>): TakenEncryption {
  const said: EncryptionSaid[] = [];
  const rest: Record<string, string> = {};
  for (const [name, value] of Object.entries(settings)) {
    const [, below = '', inFormat, whole] = SETTING.exec(name) ?? [];
    const word = inFormat ?? whole;
    if (word === undefined) {
      rest[name] = value;
      continue;
    }
    const depth = below.length / 'backing.'.length;
    said[depth] = { ...said[depth], [word === 'format' ? 'format' : 'secret']: value };
  }
  const [encryption, ...encryptionBelow] = Array.from(said, (one) => one ?? {});
  return { encryption: encryption ? { encryption, encryptionBelow } : {}, rest };
}
