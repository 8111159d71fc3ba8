/** Declarations → the form's groups and folds, in the order that each option's `place` asks for. */
import {
  inOrder,
  type OptionDeclaration,
  type OptionSet,
  type OptionTexts,
  type Place,
} from '../../engine/options/declare.ts';
import { chosen } from '../fields/choice-field.tsx';
import { isOn } from '../fields/flag-field.tsx';
import { showSize } from '../fields/size-spelling.ts';

export type FoldName = NonNullable<Place['fold']>;
export type GroupName = Place['group'];

export interface Fold {
  readonly name: FoldName;
  readonly options: readonly OptionDeclaration[];
}

export interface Group {
  readonly name: GroupName;
  readonly options: readonly OptionDeclaration[];
  readonly folds: readonly Fold[];
}

const GROUPS: readonly GroupName[] = ['disk', 'layout', 'extras'];
const FOLDS: readonly FoldName[] = ['advanced', 'backing', 'data-file', 'encryption', 'file'];

export function groupsOf(set: OptionSet): readonly Group[] {
  const options = inOrder(set).toSorted((a, b) => a.place.order - b.place.order);
  return GROUPS.map((name) => {
    const members = options.filter((option) => option.place.group === name);
    return {
      name,
      options: members.filter((option) => option.place.fold === undefined),
      folds: FOLDS.map((fold) => ({
        name: fold,
        options: members.filter((option) => option.place.fold === fold),
      })).filter((fold) => fold.options.length > 0),
    };
  }).filter((group) => group.options.length > 0 || group.folds.length > 0);
}

/** One option's value in the few words of a folded group. */
export function shortly(option: OptionDeclaration, text: string | undefined): string {
  switch (option.kind) {
    case 'flag':
      return `${option.label} ${isOn(option, text) ? 'on' : 'off'}`;
    case 'choice':
      return chosen(option, text)?.value ?? text ?? '';
    case 'size':
      return `${option.label} ${showSize(text ?? option.default)}`;
    case 'number':
      return `${option.label} ${text ?? option.default ?? ''}`;
    case 'text':
      return text ?? '';
  }
}

/** What a folded group holds; without anything set, `none` if the group has such words. */
export function foldSummary(fold: Fold, texts: OptionTexts, none: string | undefined): string {
  const given = fold.options.filter((option) => texts[option.qemu] !== undefined);
  if (none !== undefined && given.length === 0) return none;
  const shown = none === undefined ? fold.options : given;
  return shown.map((option) => shortly(option, texts[option.qemu])).join(' · ');
}
