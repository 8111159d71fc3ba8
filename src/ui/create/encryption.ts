/** What in the form goes with encryption: the id of the secret, and how a command is told where the secret is. */
import type { OptionTexts } from '../../engine/options/declare.ts';
import { parseOptionItems } from '../../engine/options/option-list.ts';
import { isHarmless } from '../../recipes/secret-flags.ts';
import type { Flag } from './command-line.ts';

type Changes = Readonly<Record<string, string | null>>;

const FORMAT = 'encrypt.format';
const KEY_SECRET = 'encrypt.key-secret';
const USUAL_ID = 'sec0';

/** Encryption that is turned on names its secret; turned off, or to the old AES, it takes its choices along. */
export function withEncryption(texts: OptionTexts, changes: Changes): Changes {
  const format = changes[FORMAT];
  if (format === undefined) return changes;
  const companions: Record<string, string | null> = {};
  for (const name of Object.keys(texts)) {
    const stays = format !== null && (format === 'luks' || name === KEY_SECRET);
    if (name.startsWith('encrypt.') && name !== FORMAT && !stays) companions[name] = null;
  }
  if (format !== null && texts[KEY_SECRET] === undefined) companions[KEY_SECRET] = USUAL_ID;
  return { ...changes, ...companions };
}

/** The id of the secret that a new disk is encrypted with. */
export const secretIdOf = (texts: OptionTexts): string | undefined => texts[KEY_SECRET] ?? texts['key-secret'];

/** The passphrase that a command reads from a file: it is never a part of the line. */
export const secretFile = (id: string): string => (id === USUAL_ID ? 'passphrase.txt' : `${id}.txt`);

const usualDefinition = (id: string): string => `secret,id=${id},file=${secretFile(id)}`;

/** The words that bring in the secret, unless the line has its own. */
export function secretWords(texts: OptionTexts, flags: readonly Flag[]): readonly string[] {
  const id = secretIdOf(texts);
  if (id === undefined || flags.some((flag) => definedBy(flag) === id)) return [];
  return ['--object', usualDefinition(id)];
}

/** The id of the secret that a flag defines. */
function definedBy([word, definition = '']: Flag): string | undefined {
  if (word !== '--object' || !definition.startsWith('secret,')) return undefined;
  return new Map(itemsOf(definition)).get('id');
}

const itemsOf = (definition: string) => parseOptionItems(definition.replace(',id=', ', id=')).map(trimmed);

const trimmed = ([name, value]: readonly [string, string]) => [name.trim(), value] as const;

/** Flags without what the line says anyway, and without any secret itself. */
export function withoutSecrets(texts: OptionTexts, flags: readonly Flag[]): readonly Flag[] {
  const id = secretIdOf(texts);
  return flags.filter((flag) => {
    const [word, definition = ''] = flag[0]?.startsWith('--object=') ? ['--object', flag[0].slice(9)] : flag;
    if (!isHarmless(flag)) return false;
    return word !== '--object' || id === undefined || definition !== usualDefinition(id);
  });
}

/** A flag that the form understands: the secret of this disk. */
export const isOwnSecret = (texts: OptionTexts, flag: Flag): boolean => {
  const id = definedBy(flag);
  return id !== undefined && id === secretIdOf(texts);
};
