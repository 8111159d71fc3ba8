/** `amend` of the key slots of a LUKS header: which passphrases open the disk. */

import { parseQemuNumber } from '../engine/bytes/size-text.ts';
import { DiskwrightError } from '../engine/errors.ts';
import { declare, findOption, type OptionSet, type OptionTexts } from '../engine/options/declare.ts';
import { readOptions } from '../engine/options/read.ts';
import { amendKeys, type KeyChange } from '../jobs/unlock.ts';
import { answered, randomBytes } from '../platform/node/derive-keys.ts';
import { named } from '../platform/node/open-images.ts';
import type { OpenedWritable } from '../platform/node/open-writable.ts';
import type { Secrets } from '../platform/node/secrets.ts';
import type { Io } from './io.ts';

/** Options of the image and of its keys; those of the keys win where both have a name. */
export function amendable(set: OptionSet, keys: OptionSet | undefined): OptionSet {
  const own = Object.entries(set.declarations).filter(([, { qemu }]) => !keys || !findOption(keys, qemu));
  return declare({ ...Object.fromEntries(own), ...keys?.declarations });
}

/** What concerns the keys, by the names of the whole-file format; undefined: nothing does. */
export function splitKeyTexts(keys: OptionSet | undefined, texts: OptionTexts) {
  const isKey = (name: string): boolean => keys !== undefined && findOption(keys, name) !== undefined;
  const ours = Object.entries(texts).filter(([name]) => isKey(name));
  const rest = Object.fromEntries(Object.entries(texts).filter(([name]) => !isKey(name)));
  if (!keys || ours.length === 0) return { keys: undefined, rest };
  const [problem] = readOptions(keys, Object.fromEntries(ours)).problems;
  if (problem) throw new DiskwrightError('invalid-option', problem.message, { option: problem.option });
  return { keys: Object.fromEntries(ours.map(([name, text]) => [name.replace('encrypt.', ''), text])), rest };
}

interface KeyWish {
  readonly force: boolean;
  readonly secrets: Secrets;
  /** The id of the secret that the image was opened with. */
  readonly secret: string | undefined;
}

function refuse(message: string): never {
  throw new DiskwrightError('invalid-option', message);
}

const numberOf = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : Number(parseQemuNumber(text));

function changeOf(texts: OptionTexts, { force, secrets, secret }: KeyWish): KeyChange {
  const { state, keyslot, 'new-secret': fresh, 'old-secret': old, 'iter-time': time } = texts;
  const slot = numberOf(keyslot);
  const common = { ...(slot === undefined ? {} : { keyslot: slot }), force };
  if (state === undefined) refuse('what is to become of the key slots is missing: state=active or state=inactive');
  if (state === 'inactive') {
    if (fresh !== undefined) refuse('new-secret is for adding a passphrase, and state=inactive erases one');
    if (time !== undefined) refuse('iter-time is for adding a passphrase, and state=inactive erases one');
    return { ...common, state, ...(old === undefined ? {} : { oldPassphrase: secrets.get(old) }) };
  }
  if (old !== undefined) refuse('old-secret is for erasing a passphrase, and state=active adds one');
  if (fresh === undefined) refuse('the passphrase to add is missing: new-secret');
  if (secret === undefined) {
    throw new DiskwrightError('passphrase', 'a passphrase that opens the disk is needed to add another', {
      fix: 'Give it: --image-opts with encrypt.key-secret=….',
    });
  }
  const iterTime = numberOf(time);
  return {
    ...common,
    state: 'active',
    newPassphrase: secrets.get(fresh),
    passphrase: secrets.get(secret),
    ...(iterTime === undefined ? {} : { iterTime }),
  };
}

/** Derives what a change of key slots writes, and gives back what writes it: what else is wrong is found out before. */
export async function keyChange(
  opened: OpenedWritable,
  texts: OptionTexts,
  wish: KeyWish,
  io: Io,
): Promise<() => void> {
  const { image, name, driver, device } = opened;
  const lock = driver.lock?.(device);
  if (lock?.kind !== 'luks' || !image.writeLuks) {
    const is = lock ? 'encrypted with the old AES, which has one passphrase for ever' : 'not encrypted';
    throw new DiskwrightError('invalid-option', `${name}: the image is ${is}`);
  }
  const change = named(name, () => changeOf(texts, wish));
  const patches = await answered(amendKeys(device, lock, change, randomBytes), io.signal ? { signal: io.signal } : {});
  return () => named(name, () => image.writeLuks?.(patches));
}
