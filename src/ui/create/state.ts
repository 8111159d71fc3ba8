/**
 * The form's state and every way to change it: one command line, plus a shelf for option texts that the
 * chosen format does not know and that come back with a format that does.
 */
import { findFormat } from '../../engine/formats/index.ts';
import type { FormatSpec } from '../../engine/image/format.ts';
import { findOption, type OptionTexts } from '../../engine/options/declare.ts';
import { type CommandLine, canonical } from './command-line.ts';

export interface FormState {
  readonly line: CommandLine;
  readonly shelf: OptionTexts;
}

export type FormAction =
  /** Set these option texts, unset those that are `null`. */
  | { readonly type: 'set'; readonly texts: Readonly<Record<string, string | null>> }
  | { readonly type: 'name'; readonly name: string }
  | { readonly type: 'format'; readonly format: string }
  /** A whole line was typed or pasted. */
  | { readonly type: 'line'; readonly line: CommandLine }
  | { readonly type: 'drop-flag'; readonly index: number }
  /** Several of the above in one click. */
  | { readonly type: 'all'; readonly actions: readonly FormAction[] };

export const initialState: FormState = {
  line: { format: 'qcow2', name: 'disk.qcow2', texts: { size: '32G' }, flags: [] },
  shelf: {},
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

function withFormat({ line, shelf }: FormState, format: string): FormState {
  const from = findFormat(line.format);
  const to = findFormat(format);
  const texts: Record<string, string> = {};
  const put: Record<string, string> = {};
  for (const [name, text] of Object.entries({ ...shelf, ...line.texts })) {
    // What neither of them knows is a mistake that stays in sight.
    const stays = knows(to, name, text) || !knows(from, name, text);
    (stays && !(name in shelf && !knows(to, name, text)) ? texts : put)[name] = text;
  }
  return { line: canonical({ ...line, format, name: renamed(line.name, from, to), texts }), shelf: put };
}

function withTexts(texts: OptionTexts, changes: Readonly<Record<string, string | null>>): OptionTexts {
  const next: Record<string, string> = { ...texts };
  for (const [name, text] of Object.entries(changes)) {
    if (text === null) delete next[name];
    else next[name] = text;
  }
  return next;
}

export function reduce(state: FormState, action: FormAction): FormState {
  const { line } = state;
  switch (action.type) {
    case 'set':
      return { ...state, line: canonical({ ...line, texts: withTexts(line.texts, action.texts) }) };
    case 'name':
      return { ...state, line: canonical({ ...line, name: action.name }) };
    case 'format':
      return withFormat(state, action.format);
    case 'line':
      return { line: canonical(action.line), shelf: {} };
    case 'drop-flag':
      return { ...state, line: { ...line, flags: line.flags.filter((_, index) => index !== action.index) } };
    case 'all':
      return action.actions.reduce(reduce, state);
  }
}
