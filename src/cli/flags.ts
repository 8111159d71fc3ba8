/**
 * Flags as data and a reader that behaves as getopt_long does: bundled short flags, values glued on or
 * apart, `--name=value`, unique abbreviations of long names, flags after positionals, `--`.
 *
 * Flags come out one by one in the order of the line, because qemu-img acts on each as it meets it: `-h`
 * before a mistake shows the help, after it does not.
 */

export interface Flag {
  /** One letter, without the dash. */
  readonly short?: string;
  /** Without the dashes. */
  readonly long?: string;
  /** Name of the value in the usage line; absent: the flag takes none. */
  readonly value?: string;
  readonly help: string;
  /** A flag of qemu-img's that is missing here: why. Naming it ends the command. */
  readonly refused?: string;
}

export type FlagTable = Readonly<Record<string, Flag>>;

export type FlagEvent<T extends FlagTable> =
  | { readonly kind: 'flag'; readonly name: keyof T & string; readonly spelled: string; readonly value: string }
  | { readonly kind: 'positional'; readonly value: string }
  | { readonly kind: 'mistake'; readonly message: string };

const mistake = (message: string) => ({ kind: 'mistake', message }) as const;

function findLong<T extends FlagTable>(table: T, typed: string): (keyof T & string)[] {
  const names = Object.keys(table) as (keyof T & string)[];
  const exact = names.filter((name) => table[name]?.long === typed);
  return exact.length > 0 ? exact : names.filter((name) => table[name]?.long?.startsWith(typed));
}

/** Reads `args` (behind the command's name). After a mistake nothing more is read. */
export function* readFlags<T extends FlagTable>(table: T, args: readonly string[]): Generator<FlagEvent<T>> {
  const positionals: string[] = [];
  let at = 0;

  function* long(word: string): Generator<FlagEvent<T>> {
    const equals = word.indexOf('=');
    const typed = word.slice(2, equals < 0 ? undefined : equals);
    const [name, another] = findLong(table, typed);
    if (name === undefined) return yield mistake(`there is no flag --${typed}`);
    if (another !== undefined) {
      return yield mistake(`--${typed} could be --${table[name]?.long} or --${table[another]?.long}`);
    }
    const flag = table[name] as Flag;
    const spelled = `--${flag.long}`;
    if (flag.value === undefined) {
      if (equals >= 0) return yield mistake(`${spelled} takes no value`);
      return yield { kind: 'flag', name, spelled, value: '' };
    }
    const value = equals < 0 ? args[at++] : word.slice(equals + 1);
    if (value === undefined) return yield mistake(`${spelled} needs a value: ${flag.value}`);
    yield { kind: 'flag', name, spelled, value };
  }

  function* short(word: string): Generator<FlagEvent<T>> {
    for (let i = 1; i < word.length; i++) {
      const spelled = `-${word.charAt(i)}`;
      const entry = Object.entries(table).find(([, flag]) => flag.short === word.charAt(i));
      if (!entry) return yield mistake(`there is no flag ${spelled}`);
      const [name, flag] = entry as [keyof T & string, Flag];
      if (flag.value === undefined) {
        yield { kind: 'flag', name, spelled, value: '' };
        continue;
      }
      const value = i + 1 < word.length ? word.slice(i + 1) : args[at++];
      if (value === undefined) return yield mistake(`${spelled} needs a value: ${flag.value}`);
      return yield { kind: 'flag', name, spelled, value };
    }
  }

  while (at < args.length) {
    const word = args[at++] ?? '';
    if (word === '--') {
      positionals.push(...args.slice(at));
      break;
    }
    if (word.startsWith('--')) yield* long(word);
    else if (word.startsWith('-') && word !== '-') yield* short(word);
    else positionals.push(word);
  }
  for (const value of positionals) yield { kind: 'positional', value };
}
