/**
 * The target of all images that are not converted yet: format and options as Create has them, compression, and the
 * way the files are saved.
 */
import { findFormat } from '../../engine/formats/index.ts';
import { findOption } from '../../engine/options/declare.ts';
import type { Sink } from '../../worker/engine-client.ts';
import { type FormAction, type FormState, initialState, reduce as reduceForm } from '../create/state.ts';
import { type Target, targets } from './targets.ts';

/** What qemu-img uses, and zlib itself. */
export const USUAL_LEVEL = 6;

export interface TargetState {
  /** The preset it still is; undefined: somebody's own choice. */
  readonly preset: string | undefined;
  readonly form: FormState;
  readonly compress: boolean;
  readonly level: number;
  /** Undefined: the best one for each file. */
  readonly sink: Sink | undefined;
}

export type TargetAction =
  | { readonly type: 'preset'; readonly target: Target }
  | { readonly type: 'form'; readonly action: FormAction }
  | { readonly type: 'compress'; readonly on: boolean }
  | { readonly type: 'level'; readonly level: number }
  | { readonly type: 'sink'; readonly sink: Sink | undefined };

/** The names of the files are no part of the target: each image has its own. */
const formOf = ({ format, texts }: Target): FormState => ({
  ...initialState,
  line: { format, name: '', texts, flags: [] },
});

const [first] = targets;

export const initialTarget: TargetState = {
  preset: first.id,
  form: formOf(first),
  compress: first.compress,
  level: USUAL_LEVEL,
  sink: undefined,
};

/** A format that can say how it is compressed can be. */
export function canCompress(format: string): boolean {
  const set = findFormat(format)?.options;
  return set !== undefined && findOption(set, 'compression_type') !== undefined;
}

const sameTexts = (a: object, b: object): boolean =>
  JSON.stringify(Object.entries(a).toSorted()) === JSON.stringify(Object.entries(b).toSorted());

/** The preset as long as nothing of it was changed, else another one that says the same, if there is one. */
function withPreset(state: TargetState): TargetState {
  const { line } = state.form;
  const compress = state.compress && canCompress(line.format);
  const fits = (target: Target): boolean =>
    target.format === line.format && target.compress === compress && sameTexts(target.texts, line.texts);
  const kept = targets.find((target) => target.id === state.preset);
  const preset = kept && fits(kept) ? kept : targets.find(fits);
  return { ...state, preset: preset?.id };
}

export function reduceTarget(state: TargetState, action: TargetAction): TargetState {
  switch (action.type) {
    case 'preset': {
      const { id, compress } = action.target;
      return { ...state, preset: id, compress, form: formOf(action.target) };
    }
    case 'form':
      return withPreset({ ...state, form: reduceForm(state.form, action.action) });
    case 'compress':
      return withPreset({ ...state, compress: action.on });
    case 'level':
      return { ...state, level: action.level };
    case 'sink':
      return { ...state, sink: action.sink };
  }
}

/** Whether data is really compressed: not every format has a place for it. */
export const compresses = ({ compress, form }: Pick<TargetState, 'compress' | 'form'>): boolean =>
  compress && canCompress(form.line.format);
