/**
 * A recipe as the part of an address behind `#`, readable and short:
 *
 *     #create?v=1&format=qcow2&file=disk.qcow2&o.size=32G&o.cluster_size=128K
 *
 * `o.` goes before the name of an option, `x.` before a key that the recipe only keeps (its value is JSON); `flag`
 * may come again and is a word or a JSON list of words. Any other name is a key that is not known: kept and named.
 */
import { type Json, RECIPE_VERSION, type Recipe, type RecipeReading, recipeOf, withoutSecrets } from './recipe.ts';

/** The place of the page that takes recipes. */
const PLACE = '#create?';

const flagText = (flag: readonly string[]): string => {
  const [word = ''] = flag;
  return flag.length === 1 && !word.startsWith('[') ? word : JSON.stringify(flag);
};

/** Without secrets. */
export function printLink(recipe: Recipe): string {
  const { format, file, options, gzip, flags = [], rest = {} } = withoutSecrets(recipe);
  const parts = new URLSearchParams({ v: String(RECIPE_VERSION), format });
  if (file !== undefined) parts.append('file', file);
  for (const [name, text] of Object.entries(options)) parts.append(`o.${name}`, text);
  if (gzip) parts.append('gzip', '1');
  for (const flag of flags) parts.append('flag', flagText(flag));
  for (const [key, value] of Object.entries(rest)) parts.append(`x.${key}`, JSON.stringify(value));
  // Slashes and colons of names need no escape behind the hash, and links are read by people.
  return PLACE + parts.toString().replaceAll('%2F', '/').replaceAll('%3A', ':').replaceAll('%2C', ',');
}

/** What cannot be read as JSON was typed by hand and is a text. */
function jsonOf(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}

/** Undefined: the address says nothing about the form. */
export function readLink(hash: string): RecipeReading | undefined {
  if (!hash.startsWith(PLACE)) return undefined;
  const entries: [string, Json][] = [];
  const options: [string, Json][] = [];
  const flags: Json[] = [];
  const version = new URLSearchParams(hash.slice(PLACE.length)).get('v');
  for (const [name, text] of new URLSearchParams(hash.slice(PLACE.length))) {
    if (name === 'v') continue;
    if (name === 'flag') flags.push(text.startsWith('[') ? jsonOf(text) : [text]);
    else if (name === 'gzip') entries.push([name, text === '1' || text === 'true']);
    else if (name.startsWith('o.')) options.push([name.slice(2), text]);
    else if (name.startsWith('x.')) entries.push([name.slice(2), jsonOf(text)]);
    else entries.push([name, text]);
  }
  const reading = recipeOf({
    ...Object.fromEntries(entries),
    options: Object.fromEntries(options),
    flags,
    diskwright: /^\d+$/.test(version ?? '') ? Number(version) : version,
  });
  return reading;
}
