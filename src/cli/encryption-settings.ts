/**
 * What is said of an image's encryption among its settings: `encrypt.key-secret=sec0`, of a whole-file LUKS image
 * `key-secret=sec0`, and of what it rests on `backing.encrypt.key-secret=sec0`.
 */
import { DiskwrightError } from '../engine/errors.ts';
import type { EncryptionSaid, ImageReference } from '../platform/node/unlock-image.ts';

const SETTING = /^((?:backing\.)*)(?:encrypt\.(format|key-secret)|(key-secret))$/;

export interface TakenEncryption {
  readonly encryption: Pick<ImageReference, 'encryption' | 'encryptionBelow'>;
  /** The other settings. */
  readonly rest: Readonly<Record<string, string>>;
}

/** A secret that nobody would ask for is a mistake. */
function refuseForeign(name: string, driver: string, wholeFile: boolean): void {
  if (wholeFile ? driver === 'luks' : driver === 'qcow2') return;
  throw new DiskwrightError('invalid-option', `images of the format ${driver} have no option "${name}"`);
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
    if (below === '' && settings['driver'] !== undefined) refuseForeign(name, settings['driver'], whole !== undefined);
    const depth = below.length / 'backing.'.length;
    said[depth] = { ...said[depth], [word === 'format' ? 'format' : 'secret']: value };
  }
  const [encryption, ...encryptionBelow] = Array.from(said, (one) => one ?? {});
  return { encryption: encryption ? { encryption, encryptionBelow } : {}, rest };
}
