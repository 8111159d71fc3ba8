/**
 * The form as a `qemu-img create` command line, and back. The form's whole state *is* such a line:
 * `parseCommand(printCommand(line))` gives the same line again (a property test holds it to that).
 */

import { findFormat } from '../../engine/formats/index.ts';
import { findOption, type OptionTexts } from '../../engine/options/declare.ts';
import { parseOptionList, printOptionList } from '../../engine/options/option-list.ts';
import { readOptions } from '../../engine/options/read.ts';
import { secretWords, withoutSecrets } from './encryption.ts';
import { quoteWord, splitWords } from './shell-words.ts';

/** Words that set nothing in the form: `-q`, `-u`, and whatever we do not know, kept so that nothing is lost. */
export type Flag = readonly string[];

export interface CommandLine {
  /** As written; may be a format that the registry lacks. */
  readonly format: string;
  /** File name as written, path included. */
  readonly name: string;
  /** Only what differs from the defaults (`canonical`). */
  readonly texts: OptionTexts;
  readonly flags: readonly Flag[];
}

export type Parsed =
  | { readonly ok: true; readonly line: CommandLine }
  | { readonly ok: false; readonly message: string };

/** qemu-img's own default. */
const DEFAULT_FORMAT = 'raw';
const WITH_VALUE = 'fbFo';
const WITHOUT_VALUE = 'qu';
/** Long flags of the real command that take a value; not understood here, but kept with it. */
const LONG_WITH_VALUE = ['--object', '--recipe'];

/** A name that begins like a flag or like a protocol is written as a path. */
const asPath = (name: string): string => (/^-|^[^/]*:/.test(name) ? `./${name}` : name);
const bareName = (name: string): string => name.replace(/^(\.\/+)+(?=.)/, '');

/** True when `text` means the same as not giving the option. */
function isDefault(format: string, name: string, text: string): boolean {
  const set = findFormat(format)?.options;
  const option = set && findOption(set, name);
  if (!option || option.kind === 'text') return false;
  const alone = { declarations: { option }, rules: [], limits: [] };
  const reading = readOptions(alone, { [name]: text });
  return reading.problems.length === 0 && reading.values.option === readOptions(alone, {}).values.option;
}

/** The line without what only repeats a default. */
export function canonical(line: CommandLine): CommandLine {
  const texts = Object.entries(line.texts).filter(([name, text]) => !isDefault(line.format, name, text));
  return { ...line, name: bareName(line.name), texts: Object.fromEntries(texts) };
}

/** Whether the size can stand as the last word. */
const isPositional = (size: string | undefined): size is string => size !== undefined && !/^-|^$/.test(size);

/** A flag as it stands in a command. */
export const quoteFlag = (flag: Flag): string => flag.map(quoteWord).join(' ');

/** The shortest line that says all of it. */
export function printCommand(line: CommandLine): string {
  const { size, backing_file: backing, backing_fmt: backingFormat, ...rest } = line.texts;
  const listed: Record<string, string> = rest;
  if (size !== undefined && !isPositional(size)) listed['size'] = size;
  const words = ['qemu-img', 'create', ...secretWords(line.texts, line.flags), '-f', line.format];
  const strays: string[] = [];
  for (const flag of line.flags) {
    if (flag.length === 1 && !flag[0]?.startsWith('-')) strays.push(...flag);
    else words.push(...flag);
  }
  if (backing !== undefined) words.push('-b', backing);
  if (backingFormat !== undefined) words.push('-F', backingFormat);
  if (Object.keys(listed).length > 0) words.push('-o', printOptionList(listed));
  words.push(asPath(line.name));
  if (isPositional(size)) words.push(size);
  return [...words, ...strays].map(quoteWord).join(' ');
}

/** Walks the words behind `create`, filling in a line. */
class Reader {
  format = DEFAULT_FORMAT;
  readonly texts: Record<string, string> = {};
  readonly backing: Record<string, string> = {};
  readonly flags: Flag[] = [];
  readonly positionals: string[] = [];
  private readonly words: readonly string[];
  private at = 0;

  constructor(words: readonly string[]) {
    this.words = words;
  }

  /** Undefined, or why the words are no command at all. */
  read(): string | undefined {
    while (this.at < this.words.length) {
      const word = this.words[this.at++] ?? '';
      if (word === '--') {
        this.positionals.push(...this.words.slice(this.at));
        break;
      }
      if (word.startsWith('--')) this.readLong(word);
      else if (word.startsWith('-') && word !== '-') {
        const failure = this.readShort(word);
        if (failure) return failure;
      } else this.positionals.push(word);
    }
    return undefined;
  }

  private readLong(word: string): void {
    // Cut short as getopt takes them: `--obj`.
    const long = LONG_WITH_VALUE.find((one) => one === word || (word.length > 3 && one.startsWith(word)));
    const value = long ? this.words[this.at] : undefined;
    if (value === undefined) this.flags.push([word]);
    else {
      this.at++;
      let whole = value;
      // A blank behind a comma: what follows belongs to it, and must not become a file name.
      while (whole.endsWith(',') && /^\w+=/.test(this.words[this.at] ?? '')) whole += this.words[this.at++];
      this.flags.push([long ?? word, whole]);
    }
  }

  /** `-f raw`, `-fraw`, `-qf raw`. */
  private readShort(word: string): string | undefined {
    for (let i = 1; i < word.length; i++) {
      const letter = word.charAt(i);
      if (WITH_VALUE.includes(letter)) {
        const attached = word.slice(i + 1);
        const value = attached === '' ? this.words[this.at++] : attached;
        if (value === undefined) return `-${letter} needs a value behind it.`;
        this.take(letter, value);
        return undefined;
      }
      if (!WITHOUT_VALUE.includes(letter)) {
        this.flags.push([i === 1 ? word : `-${word.slice(i)}`]);
        return undefined;
      }
      if (!this.flags.some((flag) => flag[0] === `-${letter}`)) this.flags.push([`-${letter}`]);
    }
    return undefined;
  }

  private take(letter: string, value: string): void {
    if (letter === 'f') this.format = value;
    else if (letter === 'b') this.backing['backing_file'] = value;
    else if (letter === 'F') this.backing['backing_fmt'] = value;
    else {
      const list = parseOptionList(value);
      if (list) Object.assign(this.texts, list);
      else this.flags.push(['-o', value]);
    }
  }

  line(): CommandLine {
    const [name = '', size, ...strays] = this.positionals;
    const texts: Record<string, string> = { ...this.texts, ...this.backing };
    if (size !== undefined) {
      const twice = texts['size'];
      if (twice !== undefined) this.flags.push(['-o', `size=${twice}`]);
      texts['size'] = size;
    }
    for (const stray of strays) this.flags.push([stray]);
    return canonical({ format: this.format, name, texts, flags: withoutSecrets(texts, this.flags) });
  }
}

/** A prompt, a path or `node` before the program's name is what people paste along with it. */
function skipProgram(words: readonly string[]): readonly string[] | undefined {
  let at = 0;
  while (/^[$#%>]$/.test(words[at] ?? '') || words[at] === 'sudo') at++;
  if (words[at] === 'node' && /diskwright\.js$/.test(words[at + 1] ?? '')) at++;
  const program = (words[at] ?? '').replace(/^.*[/\\]/, '').replace(/\.(?:exe|js)$/i, '');
  if (program !== 'qemu-img' && program !== 'diskwright') return undefined;
  return words[at + 1] === 'create' ? words.slice(at + 2) : undefined;
}

/** Reads a typed or pasted command line. What it does not know ends in `flags` or `texts`, named by the form. */
export function parseCommand(source: string): Parsed {
  const split = splitWords(source.replace(/^\s*[$#]\s+/, ''));
  if (!split.ok) return split;
  const words = skipProgram(split.words.map((word) => word.text));
  if (!words) return { ok: false, message: 'The line must begin with qemu-img create.' };
  const reader = new Reader(words);
  const failure = reader.read();
  return failure === undefined ? { ok: true, line: reader.line() } : { ok: false, message: failure };
}
