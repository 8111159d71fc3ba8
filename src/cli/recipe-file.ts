/** `--recipe file.json`: reads a recipe, and turns its flags into flags of the line. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { DiskwrightError } from '../engine/errors.ts';
import { onHost } from '../platform/node/host-error.ts';
import { parseRecipe, type Recipe, unknownKeys } from '../recipes/recipe.ts';
import { type ReadLine, readLine } from './command.ts';
import type { FlagTable } from './flags.ts';
import { type Io, note, UsageError, warn } from './io.ts';

/** Reads it and names what it says that means nothing here. */
export function readRecipeFile(name: string, io: Io): Recipe {
  const text = onHost(name, 'read it', () => readFileSync(resolve(io.cwd, name), 'utf8'));
  const reading = parseRecipe(text);
  if (!reading.ok) {
    const [first = '', ...rest] = reading.message;
    throw new DiskwrightError('invalid-option', `${name}: ${first.toLowerCase()}${rest.join('')}`, {
      fix: 'What a recipe may say is in recipe.schema.json of the package.',
    });
  }
  for (const key of unknownKeys(reading.recipe))
    warn(io, `${name}: the key "${key}" is not known here and does nothing`);
  if (reading.recipe.gzip) note(io, `${name}: only the page saves as .gz; here the image is written as it is`);
  return reading.recipe;
}

/** The flags that a recipe brings; only those of `allowed` have a place in one. */
export function flagsOfRecipe<T extends FlagTable>(
  command: string,
  table: T,
  recipe: Recipe,
  allowed: readonly (keyof T & string)[],
): ReadLine<T>['given'] {
  const words = (recipe.flags ?? []).flat();
  const line = readLine(command, table, words);
  const [stray] = line.positionals;
  if (stray !== undefined) throw new UsageError(`"${stray}" among the flags of the recipe is no flag`, command);
  const other = line.given.find(({ name }) => !allowed.includes(name));
  if (other)
    throw new UsageError(
      `--${table[other.name]?.long ?? other.name} has no place among the flags of a recipe`,
      command,
    );
  return line.given;
}
