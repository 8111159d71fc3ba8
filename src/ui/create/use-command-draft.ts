/**
 * What stands in the command line's field: the form's own line, or a draft that was typed there. A draft that
 * reads fills the form at once and stands as long as it means the same; one that does not is a problem.
 */
import { useState } from 'react';
import { type CommandLine, parseCommand, printCommand } from './command-line.ts';

export interface CommandDraft {
  readonly shown: string;
  /** The form as a command. */
  readonly printed: string;
  /** Why the draft is no command. */
  readonly failure: string | undefined;
  readonly type: (text: string) => void;
  /** Gives way to the form's own line; one that does not read only by `force`. */
  readonly settle: (force?: 'force') => void;
}

const SECRET = /secret,\S*data=\S/;

export function useCommandDraft(line: CommandLine, onLine: (line: CommandLine) => void): CommandDraft {
  const [draft, setDraft] = useState<string>();
  const printed = printCommand(line);
  const parsed = draft === undefined ? undefined : parseCommand(draft);
  const same = parsed !== undefined && (!parsed.ok || printCommand(parsed.line) === printed);
  // A passphrase that was pasted along does not stay in sight.
  const stands = same && !(parsed.ok && SECRET.test(draft ?? ''));
  return {
    shown: draft !== undefined && stands ? draft : printed,
    printed,
    failure: parsed?.ok === false ? parsed.message : undefined,
    type(text) {
      setDraft(text);
      const next = parseCommand(text);
      if (next.ok) onLine(next.line);
    },
    settle(force) {
      if (force || parsed?.ok) setDraft(undefined);
    },
  };
}
