/** The form's state as a recipe, and a recipe as the form's state. */
import { findFormat } from '../../engine/formats/index.ts';
import { printLink } from '../../recipes/link.ts';
import { type Preset, presets } from '../../recipes/presets.ts';
import type { Recipe } from '../../recipes/recipe.ts';
import { canonical } from './command-line.ts';
import type { FormState } from './state.ts';

export const recipeOfForm = ({ line, gzip, rest }: FormState): Recipe => ({
  format: line.format,
  file: line.name,
  options: line.texts,
  ...(gzip ? { gzip } : {}),
  ...(line.flags.length > 0 ? { flags: line.flags } : {}),
  ...(Object.keys(rest).length > 0 ? { rest } : {}),
});

export function formOfRecipe({ format, file, options, gzip = false, flags = [], rest = {} }: Recipe): FormState {
  const name = file ?? `disk.${findFormat(format)?.ending ?? 'img'}`;
  return { line: canonical({ format, name, texts: options, flags }), shelf: {}, gzip, rest };
}

/** The form's address behind `#`; equal addresses mean equal forms. */
export const linkOf = (state: FormState): string => printLink(recipeOfForm(state));

const presetLinks = new Map(presets.map((preset) => [linkOf(formOfRecipe(preset.recipe)), preset]));

/** The preset that the form is exactly like. */
export const presetOf = (state: FormState): Preset | undefined => presetLinks.get(linkOf(state));
