/**
 * Create options as data. One declaration per option feeds the form, the command line, validation,
 * help, the README's table and the random requests of the property tests; no default lives anywhere
 * else.
 *
 * An option's *text* is what was typed (`64k`, `yes`, `v3`); its *value* is what it means.
 */

/** Where the form shows an option: its group, the fold inside the group (none: always open), its place there. */
export interface Place {
  readonly group: 'disk' | 'layout' | 'extras';
  readonly fold?: 'advanced' | 'backing' | 'data-file' | 'encryption' | 'file';
  readonly order: number;
}

interface Common {
  /** Name in `qemu-img create -o`. */
  readonly qemu: string;
  readonly label: string;
  /** One line that says the consequence. */
  readonly help: string;
  readonly place: Place;
  /** `file`: belongs to the file underneath (nocow …), listed after every format's own options. */
  readonly layer?: 'file';
  /** An image that is there can be given another value (`amend`). */
  readonly amend?: true;
  /** Known but refused whenever it is given (`off` aside): why, and what to do. */
  readonly refused?: string;
}

export interface SizeOption extends Common {
  readonly kind: 'size';
  /** Text of the default, as the summary line prints it (`65536`); none: unset. */
  readonly default?: string;
  /** Values that a form offers, as texts; absent: free entry. */
  readonly offers?: readonly string[];
}

export interface NumberOption extends Common {
  readonly kind: 'number';
  readonly default?: string;
  /** The summary line names it only where it is given. */
  readonly unprinted?: true;
  readonly offers?: readonly string[];
}

export interface FlagOption extends Common {
  readonly kind: 'flag';
  readonly default?: 'on' | 'off';
}

export interface Choice {
  /** The value, and the text that prints it. */
  readonly value: string;
  /** Other spellings that are accepted. */
  readonly also?: readonly string[];
  /** One line for the form and the docs. */
  readonly help: string;
}

export interface ChoiceOption<C extends readonly Choice[] = readonly Choice[]> extends Common {
  readonly kind: 'choice';
  readonly choices: C;
  /** What it means when it is not given; absent: nothing. */
  readonly default?: C[number]['value'];
  /** What a form shows for "not given", where that is a choice of its own. */
  readonly none?: { readonly label: string; readonly help: string };
  /** Values of QEMU's that are missing here, and why. */
  readonly elsewhere?: { readonly values: readonly string[]; readonly why: string };
  /** The summary line names it even when it is not given. */
  readonly printed?: boolean;
}

export interface TextOption extends Common {
  readonly kind: 'text';
  readonly placeholder?: string;
}

/** One create option: its kind says what its texts may be. */
export type OptionDeclaration = SizeOption | NumberOption | FlagOption | ChoiceOption | TextOption;
export type Declarations = Readonly<Record<string, OptionDeclaration>>;

type WithDefault<O, V> = O extends { readonly default: string } ? V : V | undefined;
type ValueOf<O> = O extends { readonly kind: 'size' }
  ? WithDefault<O, bigint>
  : O extends { readonly kind: 'number' }
    ? WithDefault<O, number>
    : O extends { readonly kind: 'flag' }
      ? boolean
      : O extends { readonly kind: 'choice'; readonly choices: readonly (infer C extends Choice)[] }
        ? WithDefault<O, C['value']>
        : string | undefined;

/** The typed values of a set of declarations. */
export type ValuesOf<T extends Declarations> = { readonly [K in keyof T]: ValueOf<T[K]> };

/** Option texts as typed, by qemu-img name; absent = not given. */
export type OptionTexts = Readonly<Record<string, string>>;

/** One click that settles a problem: these texts are set, or unset where `null`. */
export interface Fix {
  readonly label: string;
  readonly set: Readonly<Record<string, string | null>>;
}

/**
 * Something that stops a create.
 *
 * `syntax`: the text cannot be read (qemu-img refuses it before its summary line); `value`: not one of
 * the choices; `rule`: options that do not go together or exceed a limit (both after the line).
 */
export interface Problem {
  readonly stage: 'syntax' | 'value' | 'rule';
  /** qemu-img name of the option whose field shows it. */
  readonly option: string;
  /** The rule, one sentence with its full stop. */
  readonly message: string;
  /** Why, one or two sentences. */
  readonly why?: string;
  readonly fixes: readonly Fix[];
}

/**
 * A function of the values, and of the texts where it matters what was given. Declared as a method so that sets of different formats fit one list: the
 * reader always calls a set's own rules with that set's own values.
 */
type Of<V, R> = { of(values: V, texts: OptionTexts): R }['of'];

/** A rule over typed values; rules are tried in order, all of them. */
export interface Rule<V> {
  readonly option: string;
  readonly broken: Of<V, boolean>;
  readonly message: string | Of<V, string>;
  readonly why?: string | Of<V, string>;
  readonly fixes?: readonly Fix[] | Of<V, readonly Fix[]>;
}

/** Says why an option cannot apply at the moment; the form shows it disabled with the reason. */
export interface Limit<V> {
  readonly option: string;
  readonly blocked: Of<V, boolean>;
  readonly reason: string;
}

/** The create options of a format, with the rules between them. */
export interface OptionSet<T extends Declarations = Declarations> {
  readonly declarations: T;
  readonly rules: readonly Rule<ValuesOf<T>>[];
  readonly limits: readonly Limit<ValuesOf<T>>[];
}

/** Ties declarations, rules and limits together; the type of the values follows from the declarations. */
export function declare<const T extends Declarations>(
  declarations: T,
  rules: readonly Rule<ValuesOf<T>>[] = [],
  limits: readonly Limit<ValuesOf<T>>[] = [],
): OptionSet<T> {
  return { declarations, rules, limits };
}

/** Declarations in the order of the summary line: the format's own, then the file layer's. */
export const inOrder = (set: OptionSet): readonly OptionDeclaration[] => Object.values(set.declarations);

/** The declaration of an option by its name in qemu-img. */
export function findOption(set: OptionSet, qemu: string): OptionDeclaration | undefined {
  return inOrder(set).find((declaration) => declaration.qemu === qemu);
}
