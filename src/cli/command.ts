/** What a command is: its table of flags feeds the reader, the usage text and the refusals. */
import { type FlagTable, readFlags } from './flags.ts';
import { FlagMistake, type Io, UsageError } from './io.ts';

export interface Command {
  readonly name: string;
  /** One line: what it does. */
  readonly about: string;
  readonly flags: FlagTable;
  /** What follows the flags, as the usage line shows it. */
  readonly positionals: string;
  /** Further lines of the help. */
  readonly notes: readonly string[];
  /** Returns the exit code. */
  run(args: readonly string[], io: Io): Promise<number>;
}

/** Thrown where a flag asks for the help, so that nothing behind it is looked at. */
export class HelpWanted extends Error {}

export interface ReadLine<T extends FlagTable> {
  /** Given flags in order, with their values. */
  readonly given: readonly { readonly name: keyof T & string; readonly value: string }[];
  readonly positionals: readonly string[];
}

/**
 * Reads a whole line. `onFlag` sees each flag at its turn and may refuse its value; `help` and missing
 * flags are handled here.
 */
export function readLine<T extends FlagTable>(
  command: string,
  table: T,
  args: readonly string[],
  onFlag: (name: keyof T & string, value: string) => void = () => {},
): ReadLine<T> {
  const given: { name: keyof T & string; value: string }[] = [];
  const positionals: string[] = [];
  for (const event of readFlags(table, args)) {
    if (event.kind === 'mistake') throw new FlagMistake(event.message, command);
    if (event.kind === 'positional') {
      positionals.push(event.value);
      continue;
    }
    const refused = table[event.name]?.refused;
    if (refused !== undefined) throw new UsageError(`${event.spelled} is not available: ${refused}`, command);
    if (event.name === 'help') throw new HelpWanted();
    onFlag(event.name, event.value);
    given.push({ name: event.name, value: event.value });
  }
  return { given, positionals };
}

/** The last value of a flag, or undefined. */
export function lastOf<T extends FlagTable>(line: ReadLine<T>, name: keyof T & string): string | undefined {
  return line.given.findLast((one) => one.name === name)?.value;
}

export const helpFlag = { short: 'h', long: 'help', help: 'Show this help' } as const;
