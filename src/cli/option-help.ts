/** `-o help`: the options of a format, in the shape of qemu-img's list, from the declarations. */

import type { FormatSpec } from '../engine/image/format.ts';
import { inOrder, type OptionDeclaration } from '../engine/options/declare.ts';

const TYPES: Readonly<Record<OptionDeclaration['kind'], string>> = {
  size: '<size>',
  number: '<num>',
  flag: '<bool (on/off)>',
  choice: '<str>',
  text: '<str>',
};

function about(option: OptionDeclaration, withDefault: boolean): string {
  if (option.refused !== undefined) return `${option.help} Not available: ${option.refused}`;
  const choices = option.kind === 'choice' ? ` One of: ${option.choices.map((one) => one.value).join(', ')}.` : '';
  const hasDefault = withDefault && 'default' in option && option.default !== undefined;
  const preset = hasDefault ? ` (default: ${option.default})` : '';
  return option.help + choices + preset;
}

const optionLines = (options: readonly OptionDeclaration[], withDefaults: boolean): string[] =>
  options
    .toSorted((a, b) => (a.qemu < b.qemu ? -1 : 1))
    .map((option) => `  ${`${option.qemu}=${TYPES[option.kind]}`.padEnd(22)} - ${about(option, withDefaults)}`);

/** `amend -o help`: what an image that is there can be given. */
export function amendHelp(format: FormatSpec): string {
  const own = (format.options ? inOrder(format.options) : []).filter((option) => option.amend);
  const shown = [...own, ...(format.keyOptions ? inOrder(format.keyOptions) : [])];
  return `${[`Amend options for '${format.name}':`, ...optionLines(shown, false)].join('\n')}\n`;
}

/** `withFile`: a file name was given too, so the options of the file underneath are listed. */
export function optionHelp(format: FormatSpec, withFile: boolean): string {
  const all = format.options ? inOrder(format.options) : [];
  const shown = all.filter((option) => withFile || option.layer !== 'file');
  const lines = optionLines(shown, true);
  const head = withFile ? 'Supported options:' : `Supported ${format.name} options:`;
  const tail = withFile ? [] : ['', 'The file underneath has options too.', 'Name the file to see them.'];
  return `${[head, ...lines, ...tail].join('\n')}\n`;
}
