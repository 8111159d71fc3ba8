/**
 * The form's state and every way to change it: one command line, what a recipe says beside it, and a shelf for
 * option texts that the chosen format does not know and that come back with a format that does.
 */
import { findFormat } from '../../engine/formats/index.ts';
import type { FormatSpec } from '../../engine/image/format.ts';
import { findOption, type OptionTexts } from '../../engine/options/declare.ts';
import { presets } from '../../recipes/presets.ts';
import type { Json } from '../../recipes/recipe.ts';
import { type CommandLine, canonical } from './command-line.ts';

import { withEncryption } from './encryption.ts';

export interface FormState {
  readonly line: CommandLine;
  readonly shelf: OptionTexts;
  /** Save as .gz where that gains something. */
  readonly gzip: boolean;
  /** What a loaded recipe says beyond the form; kept for the recipe that is saved. */
  readonly rest: Readonly<Record<string, Json>>;
}

export type FormAction =
  /** Set these option texts, unset those that are `null`. */
  | { readonly type: 'set'; readonly texts: Readonly<Record<string, string | null>> }
  | { readonly type: 'name'; readonly name: string }
  | { readonly type: 'format'; readonly format: string }
  /** A whole line was typed or pasted. */
  | { readonly type: 'line'; readonly line: CommandLine }
  | { readonly type: 'drop-flag'; readonly index: number }
  | { readonly type: 'gzip'; readonly on: boolean }
  | { readonly type: 'drop-key'; readonly key: string }
  /** A recipe or a link, read: the whole form at once. */
  | { readonly type: 'whole'; readonly state: FormState }
  /** Several of the above in one click. */
  | { readonly type: 'all'; readonly actions: readonly FormAction[] };

const { format, file = '', options } = presets[0].recipe;

export const initialState: FormState = {
  line: { format, name: file, texts: options, flags: [] },
  shelf: {},
  gzip: false,
  rest: {},
};

/** The ending follows the format as long as it is the format's own. */
function renamed(name: string, from: FormatSpec | undefined, to: FormatSpec | undefined): string {
  if (!to || !from || !name.endsWith(`.${from.ending}`)) return name;
  return `${name.slice(0, -from.ending.length)}${to.ending}`;
}

/** Whether `format` has the option and, where it offers choices, that choice. */
function knows(format: FormatSpec | undefined, name: string, text: string): boolean {
  const option = format?.options && findOption(format.options, name);
  if (!option) return false;
  return option.kind !== 'choice' || option.choices.some((one) => one.value === text || one.also?.includes(text));
}

function withFormat(state: FormState, format: string): FormState {
  const { line, shelf } = state;
  const from = findFormat(line.format);
  const to = findFormat(format);
  const texts: Record<string, string> = {};
  const put: Record<string, string> = {};
  for (const [name, text] of Object.entries({ ...shelf, ...line.texts })) {
    // What neither of them knows is a mistake that stays in sight.
    const stays = knows(to, name, text) || !knows(from, name, text);
    (stays && !(name in shelf && !knows(to, name, text)) ? texts : put)[name] = text;
  }
  return { ...state, line: canonical({ ...line, format, name: renamed(line.name, from, to), texts }), shelf: put };
}

function withTexts(texts: OptionTexts, changes: Readonly<Record<string, string | null>>): OptionTexts {
  const next: Record<string, string> = { ...texts };
  for (const [name, text] of Object.entries(changes)) {
    if (text === null) delete next[name];
    else next[name] = text;
  }
  return next;
}

/** A whole-file LUKS image always has a passphrase. */
function withSecret(state: FormState): FormState {
  const { line } = state;
  if (line.format !== 'luks' || line.texts['key-secret'] !== undefined) return state;
  return { ...state, line: { ...line, texts: { ...line.texts, 'key-secret': 'sec0' } } };
}

export function reduce(state: FormState, action: FormAction): FormState {
  const { line } = state;
  switch (action.type) {
    case 'set':
      return {
        ...state,
        line: canonical({ ...line, texts: withTexts(line.texts, withEncryption(line.texts, action.texts)) }),
      };
    case 'name':
      return { ...state, line: canonical({ ...line, name: action.name }) };
    case 'format':
      return withSecret(withFormat(state, action.format));
    case 'line':
      return { ...state, line: canonical(action.line), shelf: {} };
    case 'drop-flag':
      return { ...state, line: { ...line, flags: line.flags.filter((_, index) => index !== action.index) } };
    case 'gzip':
      return { ...state, gzip: action.on };
    case 'drop-key':
      return { ...state, rest: Object.fromEntries(Object.entries(state.rest).filter(([key]) => key !== action.key)) };
    case 'whole':
      return action.state;
    case 'all':
      return action.actions.reduce(reduce, state);
  }
}
