/**
 * Option texts → typed values and problems. One reader for the form, the command line and recipes.
 *
 * Every problem is found, in the order qemu-img would meet them: texts that cannot be read, then values
 * that are not among the choices, then the rules in declared order.
 */
import { parseQemuNumber, parseQemuSize } from '../bytes/size-text.ts';
import { DiskwrightError } from '../errors.ts';
import {
  type Declarations,
  type Fix,
  findOption,
  inOrder,
  type OptionDeclaration,
  type OptionSet,
  type OptionTexts,
  type Problem,
  type Rule,
  type ValuesOf,
} from './declare.ts';

/** What option texts mean, and what is wrong with them. */
export interface Reading<T extends Declarations> {
  /** Typed values; an option with a problem of stage `syntax` or `value` has its default here. */
  readonly values: ValuesOf<T>;
  readonly problems: readonly Problem[];
  /** Oddities that qemu-img also only warns about. */
  readonly warnings: readonly string[];
}

export const FLAG_WORDS: Readonly<Record<string, boolean>> = {
  on: true,
  yes: true,
  true: true,
  y: true,
  off: false,
  no: false,
  false: false,
  n: false,
};

const unset = (option: OptionDeclaration): Fix => ({
  label: `Remove ${option.qemu}`,
  set: { [option.qemu]: null },
});

function problem(
  stage: Problem['stage'],
  option: OptionDeclaration,
  message: string,
  why?: string,
  fixes: readonly Fix[] = [unset(option)],
): Problem {
  return { stage, option: option.qemu, message, fixes, ...(why === undefined ? {} : { why }) };
}

/** Value of one text; a string is a problem's message. */
type OneReading = { value: unknown; warning?: string } | { problem: Problem };

function readOne(option: OptionDeclaration, text: string): OneReading {
  switch (option.kind) {
    case 'size': {
      const reading = parseQemuSize(text);
      if (reading.ok) {
        return { value: reading.bytes, ...(reading.warning === undefined ? {} : { warning: reading.warning }) };
      }
      const message =
        reading.reason === 'range'
          ? `${option.label}: ${text} is beyond 64 bits.`
          : `${option.label}: "${text}" is not a size.`;
      return {
        problem: problem('syntax', option, message, 'Write a number with one of the letters K, M, G, T, P, E.'),
      };
    }
    case 'number': {
      const value = parseQemuNumber(text);
      if (value !== undefined) return { value: Number(value) };
      return { problem: problem('syntax', option, `${option.label}: "${text}" is not a whole number.`) };
    }
    case 'flag': {
      const value = FLAG_WORDS[text];
      if (value !== undefined) return { value };
      return { problem: problem('syntax', option, `${option.label}: "${text}" is neither on nor off.`) };
    }
    case 'choice': {
      const choice = option.choices.find((one) => one.value === text || one.also?.includes(text));
      if (choice) return { value: choice.value };
      const known = option.choices.map((one) => one.value).join(', ');
      const { values = [], why = '' } = option.elsewhere ?? {};
      const reason = values.includes(text) ? `${why} Known here: ${known}.` : `Known here: ${known}.`;
      return { problem: problem('value', option, `${option.label} has no "${text}".`, reason) };
    }
    case 'text':
      return { value: text };
  }
}

function defaultValue(option: OptionDeclaration): unknown {
  if (option.kind === 'flag') return option.default === 'on';
  if (option.kind === 'text' || option.default === undefined) return undefined;
  const reading = readOne(option, option.default);
  return 'value' in reading ? reading.value : undefined;
}

type Told<V, R> = (values: V, texts: OptionTexts) => R;

const given = <V, R>(source: R | Told<V, R>, values: V, texts: OptionTexts): R =>
  typeof source === 'function' ? (source as Told<V, R>)(values, texts) : source;

function ruleProblem<V>(rule: Rule<V>, values: V, texts: OptionTexts): Problem {
  const why = rule.why === undefined ? undefined : given(rule.why, values, texts);
  return {
    stage: 'rule',
    option: rule.option,
    message: given(rule.message, values, texts),
    fixes: rule.fixes === undefined ? [] : given(rule.fixes, values, texts),
    ...(why === undefined ? {} : { why }),
  };
}

/** Reads `texts` against `set`. A name that the set does not know is a problem of stage `syntax`. */
export function readOptions<T extends Declarations>(set: OptionSet<T>, texts: OptionTexts): Reading<T> {
  const syntax: Problem[] = [];
  const choices: Problem[] = [];
  const refusals: Problem[] = [];
  const warnings: string[] = [];
  const values: Record<string, unknown> = {};

  for (const [key, option] of Object.entries<OptionDeclaration>(set.declarations)) {
    values[key] = defaultValue(option);
    const text = texts[option.qemu];
    if (text === undefined) continue;
    const reading = readOne(option, text);
    if ('problem' in reading) {
      (reading.problem.stage === 'syntax' ? syntax : choices).push(reading.problem);
      continue;
    }
    values[key] = reading.value;
    if (reading.warning) warnings.push(reading.warning);
    if (option.refused && reading.value !== false) {
      refusals.push(problem('rule', option, `${option.label} is not available.`, option.refused));
    }
  }
  for (const name of Object.keys(texts)) {
    if (findOption(set, name)) continue;
    syntax.push({
      stage: 'syntax',
      option: name,
      message: `There is no option "${name}" here.`,
      why: `Known: ${inOrder(set)
        .map((one) => one.qemu)
        .join(', ')}.`,
      fixes: [{ label: `Remove ${name}`, set: { [name]: null } }],
    });
  }
  const typed = values as ValuesOf<T>;
  const broken = set.rules.filter((rule) => rule.broken(typed, texts));
  const rules = broken.map((rule) => ruleProblem(rule, typed, texts));
  return { values: typed, problems: [...syntax, ...choices, ...refusals, ...rules], warnings };
}

/** Typed values of texts that must be free of problems. Throws `invalid-option` with the first one. */
export function acceptedValues<T extends Declarations>(
  set: OptionSet<T>,
  texts: OptionTexts,
  matters: (problem: Problem, values: ValuesOf<T>) => boolean = () => true,
): ValuesOf<T> {
  const { values, problems } = readOptions(set, texts);
  const first = problems.find((one) => matters(one, values));
  if (first === undefined) return values;
  const message = first.why === undefined ? first.message : `${first.message} ${first.why}`;
  const fix = first.fixes[0]?.label;
  throw new DiskwrightError('invalid-option', message, {
    option: first.option,
    ...(fix === undefined ? {} : { fix }),
  });
}

/** Why each option that cannot apply now cannot, by qemu-img name. */
export function blockedOptions<T extends Declarations>(
  set: OptionSet<T>,
  values: ValuesOf<T>,
  texts: OptionTexts = {},
): Readonly<Record<string, string>> {
  const blocked: Record<string, string> = {};
  for (const option of inOrder(set)) if (option.refused) blocked[option.qemu] = option.refused;
  for (const limit of set.limits) if (limit.blocked(values, texts)) blocked[limit.option] ??= limit.reason;
  return blocked;
}
