/** `-o` arguments of one command line → option texts, with qemu-img's rules about repeated names. */
import { findOption, type OptionSet, type OptionTexts, type Problem } from '../engine/options/declare.ts';
import { parseOptionItems, parseOptionList, splitItems } from '../engine/options/option-list.ts';
import { readOptions } from '../engine/options/read.ts';
import { UsageError } from './io.ts';

/** Refuses an argument that qemu-img calls an invalid list; it does so as soon as it meets the flag. */
export function checkOptionList(list: string, command: string): void {
  if (parseOptionList(list) === undefined) {
    throw new UsageError(`-o "${list}" is not a list of options: write name=value,name=value`, command);
  }
}

/** Whether any argument asks for the list of options. */
export function wantsOptionHelp(lists: readonly string[]): boolean {
  return lists.some((list) => splitItems(list).some((item) => item === 'help' || item === '?'));
}

export interface TypedOptions {
  readonly texts: OptionTexts;
  /** Texts that cannot be read, in the order of the line. */
  readonly problems: readonly Problem[];
}

/**
 * The last value of a repeated name wins, but every one of them must be readable: qemu-img looks at each
 * as it meets it.
 */
export function typedOptions(set: OptionSet, lists: readonly string[]): TypedOptions {
  const texts: Record<string, string> = {};
  const problems: Problem[] = [];
  for (const [name, value] of lists.flatMap(parseOptionItems)) {
    const unreadable = readOptions(set, { [name]: value }).problems.find(
      (problem) => problem.stage === 'syntax' && problem.option === name,
    );
    if (unreadable) problems.push(unreadable);
    else texts[name] = value;
  }
  return { texts, problems };
}

/** Whether the format has an option of this name. */
export const hasOption = (set: OptionSet, qemu: string): boolean => findOption(set, qemu) !== undefined;
