/**
 * What the form's state means: the format and its options, typed values, why options are blocked, and every
 * problem with its one-click fixes. Rules of the options come from their declarations; here are only the
 * rules that need the file's name or the words of the command line.
 */

import type { DiskwrightError } from '../../engine/errors.ts';
import { findFormat, formats } from '../../engine/formats/index.ts';
import type { FormatSpec } from '../../engine/image/format.ts';
import { findOption, type OptionSet, type OptionTexts, type Problem } from '../../engine/options/declare.ts';
import { blockedOptions, readOptions } from '../../engine/options/read.ts';
import { savedName } from '../../platform/browser/deliver/saved-name.ts';
import { type CommandLine, quoteFlag } from './command-line.ts';
import { isOwnSecret } from './encryption.ts';
import type { FormAction } from './state.ts';

export interface FormFix {
  readonly label: string;
  readonly action: FormAction;
}

/** Where a problem shows: under an option's field, under the name or format, or below the command line. */
export type Spot = { readonly option: string } | 'name' | 'format' | 'command';

export interface FormProblem {
  readonly spot: Spot;
  readonly message: string;
  readonly why?: string;
  readonly fixes: readonly FormFix[];
}

export interface FormReading {
  readonly spec: FormatSpec;
  readonly set: OptionSet;
  readonly texts: OptionTexts;
  readonly problems: readonly FormProblem[];
  /** Nothing stops a build, but worth a word. */
  readonly notes: readonly FormProblem[];
  readonly blocked: Readonly<Record<string, string>>;
}

/** Formats that can be made here, in the order of the registry. */
export const creatable = formats.filter((format) => format.options);
const fallback = creatable[0] as FormatSpec;

export const sameSpot = (a: Spot, b: Spot): boolean =>
  typeof a === 'string' || typeof b === 'string' ? a === b : a.option === b.option;

function nameProblems({ name, format }: CommandLine, spec: FormatSpec): FormProblem[] {
  const saved = savedName(name);
  if (saved !== '' && saved !== '.' && saved !== '..') return [];
  const fresh = `${name.replace(/[^/\\]*$/, '')}disk.${findFormat(format)?.ending ?? spec.ending}`;
  return [
    {
      spot: 'name',
      message: 'The file needs a name.',
      fixes: [{ label: `Name it ${savedName(fresh)}`, action: { type: 'name', name: fresh } }],
    },
  ];
}

function formatProblems(format: string): FormProblem[] {
  if (creatable.some((one) => one.name === format)) return [];
  return [
    {
      spot: 'format',
      message: `"${format}" is not a format that Diskwright makes.`,
      why: `It makes ${creatable.map((one) => one.name).join(' and ')}.`,
      fixes: creatable.map((one) => ({ label: `Use ${one.name}`, action: { type: 'format', format: one.name } })),
    },
  ];
}

function flagProblems(line: CommandLine): FormProblem[] {
  return line.flags.flatMap((flag, index): FormProblem[] => {
    const [word = ''] = flag;
    if (word === '-q' || word === '-u' || isOwnSecret(line.texts, flag)) return [];
    const shown = quoteFlag(flag);
    let message = `${shown} is one word too many.`;
    if (flag[1]?.startsWith('size=')) message = 'The size is given twice.';
    else if (word === '-o') message = `${shown} is not a list of options.`;
    else if (word.startsWith('-')) message = `There is no flag ${word} here.`;
    const why = word === '--recipe' ? { why: 'Use Load recipe, or drop the file on the page.' } : {};
    return [
      { spot: 'command', message, ...why, fixes: [{ label: `Remove ${shown}`, action: { type: 'drop-flag', index } }] },
    ];
  });
}

/** Rules between the names of the files, which the options alone cannot see. */
function fileNameProblems({ name, texts }: CommandLine): FormProblem[] {
  const problems: FormProblem[] = [];
  const { backing_file: backing, data_file: data } = texts;
  const unset = (label: string, ...names: string[]): FormFix => ({
    label,
    action: { type: 'set', texts: Object.fromEntries(names.map((one) => [one, null])) },
  });
  if (backing !== undefined && backing !== '' && backing === name) {
    problems.push({
      spot: { option: 'backing_file' },
      message: 'The image cannot be its own backing file.',
      why: 'Give one of the two another name.',
      fixes: [unset('Remove the backing file', 'backing_file', 'backing_fmt')],
    });
  }
  const noData = unset('Remove the data file', 'data_file', 'data_file_raw');
  if (data === '') {
    problems.push({ spot: { option: 'data_file' }, message: 'The data file needs a name.', fixes: [noData] });
  } else if (data !== undefined && savedName(data) === savedName(name)) {
    problems.push({
      spot: { option: 'data_file' },
      message: 'The image cannot be its own data file.',
      why: 'The two are saved side by side and need two names.',
      fixes: [noData],
    });
  }
  return problems;
}

/** A disk always has a size, so its way out of a wrong one is another one. */
const SET_SIZE: FormFix = { label: 'Set 32 GiB', action: { type: 'set', texts: { size: '32G' } } };

function sizeProblems({ texts }: CommandLine): FormProblem[] {
  if (texts['size'] !== undefined) return [];
  return [
    {
      spot: { option: 'size' },
      message: 'The disk needs a size.',
      ...(texts['backing_file'] === undefined
        ? {}
        : { why: "To take the backing file's own, choose that file under Backing file." }),
      fixes: [SET_SIZE],
    },
  ];
}

/** Options of the host's file system: accepted, stored in no byte of the image. */
function noEffect(set: OptionSet, texts: OptionTexts): FormProblem[] {
  return Object.entries(texts).flatMap(([name, text]): FormProblem[] => {
    if (findOption(set, name)?.place.fold !== 'file') return [];
    return [
      {
        spot: 'command',
        message: `${name} has no effect:`,
        why: 'browsers cannot set it.',
        fixes: [{ label: `Remove ${name}=${text}`, action: { type: 'set', texts: { [name]: null } } }],
      },
    ];
  });
}

/** An option that the format lacks has no field; the form itself shows which ones there are. */
const placed = (set: OptionSet, { option, message, why, fixes }: Problem): FormProblem => ({
  spot: findOption(set, option) ? { option } : 'command',
  message,
  ...(why === undefined || !findOption(set, option) ? {} : { why }),
  fixes: fixes.map(({ label, set: texts }) =>
    texts['size'] === null ? SET_SIZE : { label, action: { type: 'set', texts } },
  ),
});

/** A refusal that only the engine could find, in the same shape. */
export function engineProblem(set: OptionSet, error: DiskwrightError): FormProblem {
  const option = error.option ?? 'size';
  return {
    spot: findOption(set, option) ? { option } : 'command',
    message: error.message,
    ...(error.fix === undefined ? {} : { why: error.fix }),
    fixes: [],
  };
}

export function readForm(line: CommandLine): FormReading {
  const spec = creatable.find((one) => one.name === line.format) ?? fallback;
  const set = spec.options as OptionSet;
  const reading = readOptions(set, line.texts);
  const wrongFormat = formatProblems(line.format);
  return {
    spec,
    set,
    texts: line.texts,
    problems: [
      ...nameProblems(line, spec),
      ...wrongFormat,
      // With an unknown format its options cannot be judged.
      ...(wrongFormat.length > 0
        ? []
        : [...sizeProblems(line), ...reading.problems.map((one) => placed(set, one)), ...fileNameProblems(line)]),
      ...flagProblems(line),
    ],
    notes: [
      ...noEffect(set, line.texts),
      ...reading.warnings.map((message): FormProblem => ({ spot: 'command', message, fixes: [] })),
    ],
    blocked: blockedOptions(set, reading.values, line.texts),
  };
}
