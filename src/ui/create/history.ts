/** Undo and redo of the form: every state it had, with typing in one field counted as one step. */
import { findFormat } from '../../engine/formats/index.ts';
import { findOption } from '../../engine/options/declare.ts';
import { linkOf } from './form-recipe.ts';
import { type FormAction, type FormState, reduce } from './state.ts';

export interface FormHistory {
  readonly past: readonly FormState[];
  readonly present: FormState;
  readonly future: readonly FormState[];
  /** What was changed last, and when; undefined after undo and redo. */
  readonly last?: { readonly what: string; readonly at: number } | undefined;
}

export type HistoryAction =
  | { readonly type: 'do'; readonly action: FormAction; readonly at: number }
  | { readonly type: 'undo' }
  | { readonly type: 'redo' };

/** Changes of one field this close to each other are one step, in milliseconds. */
const ONE_STEP = 1000;
const MOST_STEPS = 200;

export const beginHistory = (present: FormState): FormHistory => ({ past: [], present, future: [] });

/** Changes of the same field have the same. */
function fieldOf(action: FormAction): string {
  return action.type === 'set' ? `set ${Object.keys(action.texts).join(' ')}` : action.type;
}

function change(history: FormHistory, action: FormAction, at: number): FormHistory {
  const { past, present, last } = history;
  const next = reduce(present, action);
  if (linkOf(next) === linkOf(present)) return history;
  const what = fieldOf(action);
  const joined = last !== undefined && last.what === what && at - last.at < ONE_STEP && what !== 'whole';
  return {
    past: joined ? past : [...past, present].slice(-MOST_STEPS),
    present: next,
    future: [],
    last: { what, at },
  };
}

export function turn(history: FormHistory, step: HistoryAction): FormHistory {
  const { past, present, future } = history;
  if (step.type === 'do') return change(history, step.action, step.at);
  const back = step.type === 'undo';
  const next = back ? past.at(-1) : future[0];
  if (!next) return history;
  return back
    ? { past: past.slice(0, -1), present: next, future: [present, ...future] }
    : { past: [...past, present], present: next, future: future.slice(1) };
}

const sameJson = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** What differs between two states, by the names of the fields. */
export function changedFields(a: FormState, b: FormState): string[] {
  const sets = [a, b].flatMap(({ line }) => findFormat(line.format)?.options ?? []);
  const label = (name: string): string =>
    sets.map((set) => findOption(set, name)?.label).find((one) => one !== undefined) ?? name;
  const names = new Set([...Object.keys(a.line.texts), ...Object.keys(b.line.texts)]);
  return [
    ...(a.line.name === b.line.name ? [] : ['Name']),
    ...(a.line.format === b.line.format ? [] : ['Format']),
    ...[...names].filter((name) => a.line.texts[name] !== b.line.texts[name]).map(label),
    ...(sameJson(a.line.flags, b.line.flags) ? [] : ['Flags of the command line']),
    ...(a.gzip === b.gzip ? [] : ['Save as .gz']),
    ...(sameJson(a.rest, b.rest) ? [] : ['Notes of the recipe']),
  ];
}
