/** Amend: options that an image can be given later, in the words and with the rules of their declarations in Create. */
import { findFormat } from '../../../engine/formats/index.ts';
import {
  findOption,
  type OptionDeclaration,
  type OptionSet,
  type OptionTexts,
} from '../../../engine/options/declare.ts';
import { blockedOptions, FLAG_WORDS, readOptions } from '../../../engine/options/read.ts';
import type { Change } from '../../../worker/change/protocol.ts';
import type { OpenReport } from '../../../worker/open/protocol.ts';
import type { FormProblem } from '../../create/reading.ts';
import type { FormAction } from '../../create/state.ts';
import { fieldId } from '../../fields/field.ts';
import { OptionField } from '../../fields/option-field.tsx';
import type { ChangeForm, FormProps } from './form.ts';
import type { Wanted } from './places.ts';

/** Option texts that were chosen here. */
type AmendDraft = OptionTexts;
type Amend = Extract<Change, { kind: 'amend' }>;

const NAMES = ['compat', 'refcount_bits', 'lazy_refcounts'] as const;
/** The form of Create is on the page, too, with the same options. */
const SCOPE = 'amend-';
const idOf = (name: string): string => `${SCOPE}${fieldId(name)}`;

const setOf = ({ format }: OpenReport): OptionSet | undefined => findFormat(format)?.options;

/** What the image has now, as option texts. */
export function presentTexts({ facts = {} }: OpenReport): OptionTexts {
  return {
    compat: String(facts['compat'] ?? '1.1'),
    refcount_bits: String(facts['refcount-bits'] ?? '16'),
    lazy_refcounts: facts['lazy-refcounts'] === true ? 'on' : 'off',
  };
}

const isOn = (text: string | undefined): boolean => FLAG_WORDS[text ?? 'off'] ?? false;

/** Problems of what is chosen, placed at their fields. */
export function amendProblems(draft: AmendDraft, report: OpenReport): FormProblem[] {
  const set = setOf(report);
  if (!set) return [];
  // Rules between these three alone: what they mean for the rest of the image the engine says.
  return readOptions(set, { ...presentTexts(report), ...draft })
    .problems.filter(({ option }) => (NAMES as readonly string[]).includes(option))
    .map(({ option, message, why, fixes }) => ({
      spot: { option },
      message,
      ...(why === undefined ? {} : { why }),
      fixes: fixes.map(({ label, set: texts }) => ({ label, action: { type: 'set', texts } })),
    }));
}

export function amendWanted(draft: AmendDraft, report: OpenReport): Wanted {
  const [problem] = amendProblems(draft, report);
  if (problem && typeof problem.spot !== 'string') {
    return { missing: problem.message, button: 'Settle 1 problem to save', at: idOf(problem.spot.option) };
  }
  const present = presentTexts(report);
  const changed = NAMES.filter((name) => draft[name] !== undefined && draft[name] !== present[name]);
  if (changed.length === 0) {
    return {
      missing: 'Nothing is chosen that the image does not have.',
      button: 'Choose what to change',
      at: idOf(NAMES[0]),
    };
  }
  const amend: { -readonly [Key in keyof Amend]: Amend[Key] } = { kind: 'amend' };
  for (const name of changed) {
    const text = draft[name];
    if (name === 'compat') amend.compat = text === '0.10' ? '0.10' : '1.1';
    else if (name === 'lazy_refcounts') amend.lazyRefcounts = isOn(text);
    // The rules have let only powers of two up to 64 through.
    else amend.refcountBits = Number(text) as NonNullable<Amend['refcountBits']>;
  }
  return { change: amend };
}

function Fields({ draft, onDraft, report }: FormProps<AmendDraft>) {
  const set = setOf(report);
  if (!set) return null;
  const present = presentTexts(report);
  const texts = { ...present, ...draft };
  const problems = amendProblems(draft, report);
  const blocked = blockedOptions(set, readOptions(set, texts).values);

  function act(action: FormAction) {
    if (action.type !== 'set') return;
    const next: Record<string, string> = { ...draft };
    for (const [name, text] of Object.entries(action.texts)) {
      if (text === null || text === present[name]) delete next[name];
      else next[name] = text;
    }
    onDraft(next);
  }

  const field = (option: OptionDeclaration) => {
    const { qemu } = option;
    // What the image has may be unset, what cannot apply may not be chosen.
    const reason = isOn(texts[qemu]) || draft[qemu] !== undefined ? undefined : blocked[qemu];
    return (
      <OptionField
        key={qemu}
        option={option}
        text={reason === undefined ? texts[qemu] : undefined}
        reason={reason}
        problems={problems.filter(({ spot }) => typeof spot !== 'string' && spot.option === qemu)}
        consequence={texts[qemu] === present[qemu] ? undefined : `The image has ${present[qemu]}.`}
        scope={SCOPE}
        onAction={act}
      />
    );
  };
  return NAMES.map((name) => findOption(set, name)).map((option) => option && field(option));
}

export const amendForm: ChangeForm<AmendDraft> = { initial: () => ({}), wanted: amendWanted, Fields };
