/**
 * A recipe: one create request as data, the same for the page, its links, the command and the library. The same
 * recipe gives the same bytes, encryption aside (its salts are random). It holds no secrets.
 *
 * As a file it is JSON, described by `recipe.schema.json`. What a recipe says beyond what is known here is kept,
 * written back, and named by whoever reads it: never dropped in silence.
 */
import type { OptionTexts } from '../engine/options/declare.ts';
import { isHarmless } from './secret-flags.ts';

/** Any value of JSON. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Raised when the meaning of a key changes; new keys do not raise it. */
export const RECIPE_VERSION = 1;

/** A create request as data. */
export interface Recipe {
  /** Name of the format in qemu-img. */
  readonly format: string;
  /** Name of the image; absent: whoever uses the recipe chooses one. */
  readonly file?: string;
  /** Option texts by qemu-img name, `size` among them; what is absent has its default. */
  readonly options: OptionTexts;
  /** The page saves `<file>.gz`. */
  readonly gzip?: boolean;
  /** Further flags of the command line, each with its value: `[["-u"]]`. */
  readonly flags?: readonly (readonly string[])[];
  /** Everything else that the recipe says, as it stands there. */
  readonly rest?: Readonly<Record<string, Json>>;
}

/** A recipe that was read, or the reason why there is none, as a sentence. */
export type RecipeReading =
  | { readonly ok: true; readonly recipe: Recipe }
  | { readonly ok: false; readonly message: string };

/** Keys for people and editors: known, without effect on the image. */
const REMARKS = ['$schema', 'title', 'about'];

/** Whether every image of the recipe is the same: LUKS has salts and keys, which are random. */
export const isReproducible = ({ format, options }: Pick<Recipe, 'format' | 'options'>): boolean =>
  format !== 'luks' && options['encrypt.format'] !== 'luks';

/** Keys of the recipe that mean nothing here, to be named. */
export const unknownKeys = ({ rest = {} }: Recipe): string[] =>
  Object.keys(rest).filter((key) => !REMARKS.includes(key));

/** The recipe without the values of secrets: what may go into a file or a link. */
export function withoutSecrets(recipe: Recipe): Recipe {
  const { flags, ...others } = recipe;
  const left = flags?.filter(isHarmless) ?? [];
  return left.length > 0 ? { ...others, flags: left } : others;
}

const refuse = (message: string) => ({ ok: false, message }) as const;

const isObject = (value: unknown): value is { readonly [key: string]: Json } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The text of an option: JSON's own numbers and truth values may be written without quotes. */
function optionText(value: Json): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  return Number.isSafeInteger(value) ? String(value) : undefined;
}

const isFlag = (flag: Json): flag is readonly string[] =>
  Array.isArray(flag) && flag.length > 0 && flag.every((word) => typeof word === 'string');

/** Checks the keys one by one; the first that cannot be used is named. */
export function recipeOf(value: unknown): RecipeReading {
  if (!isObject(value) || value['diskwright'] === undefined) {
    return refuse('It is no recipe: a recipe is a JSON object with "diskwright": 1.');
  }
  const { diskwright: version, format, file, options = {}, gzip = false, flags = [], ...rest } = value;
  if (version !== RECIPE_VERSION) {
    return refuse(`It is a recipe of version ${JSON.stringify(version)}; version ${RECIPE_VERSION} is read here.`);
  }
  if (typeof format !== 'string') return refuse('"format" must be the name of a format, such as "qcow2".');
  if (file !== undefined && typeof file !== 'string') return refuse('"file" must be a name in quotes.');
  if (typeof gzip !== 'boolean') return refuse('"gzip" must be true or false.');
  if (!Array.isArray(flags) || !flags.every(isFlag)) {
    return refuse('"flags" must be a list of lists of words, such as [["-u"]].');
  }
  if (!isObject(options)) return refuse('"options" must be an object, such as {"size": "32G"}.');
  const texts: [string, string][] = [];
  for (const [name, given] of Object.entries(options)) {
    const text = optionText(given);
    if (text === undefined) return refuse(`The option "${name}" must be a text, a whole number, true or false.`);
    texts.push([name, text]);
  }
  if (!flags.every(isHarmless))
    return refuse('It holds the value of a secret, and recipes are made to be shared. Take it out.');
  const recipe: Recipe = {
    format,
    ...(file === undefined ? {} : { file }),
    options: Object.fromEntries(texts),
    ...(gzip ? { gzip } : {}),
    ...(flags.length > 0 ? { flags } : {}),
    ...(Object.keys(rest).length > 0 ? { rest } : {}),
  };
  return { ok: true, recipe };
}

/** Reads the text of a recipe file. */
export function parseRecipe(text: string): RecipeReading {
  let value: unknown;
  try {
    // An editor on Windows may have put a byte order mark in front.
    value = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch {
    return refuse('It is not JSON: a quote, a comma or a brace is missing or one too many.');
  }
  return recipeOf(value);
}

/** The recipe as a JSON object, its keys in the order in which one reads them; without secrets. */
export function recipeObject(recipe: Recipe): { readonly [key: string]: Json } {
  const { format, file, options, gzip, flags, rest = {} } = withoutSecrets(recipe);
  const { $schema, title, about, ...unknown } = rest;
  return {
    ...($schema === undefined ? {} : { $schema }),
    diskwright: RECIPE_VERSION,
    ...(title === undefined ? {} : { title }),
    ...(about === undefined ? {} : { about }),
    format,
    ...(file === undefined ? {} : { file }),
    options,
    ...(gzip ? { gzip } : {}),
    ...(flags && flags.length > 0 ? { flags } : {}),
    ...unknown,
  };
}

/** The text of a recipe file. */
export const printRecipe = (recipe: Recipe): string => `${JSON.stringify(recipeObject(recipe), undefined, 2)}\n`;
