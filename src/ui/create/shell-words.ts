/**
 * Words of a POSIX shell command, with their places in the text, and the way back. Only quoting is
 * understood: what a shell would replace or act on is refused by name, because nothing here runs a shell.
 */

export interface Word {
  /** The word as the program would get it. */
  readonly text: string;
  /** Its place in the source, quotes included. */
  readonly start: number;
  readonly end: number;
}

export type Split =
  | { readonly ok: true; readonly words: readonly Word[] }
  | { readonly ok: false; readonly message: string };

const BLANK = /\s/;
const ACTING = /[$`;|&<>()*?]/;
const PLAIN = /^[\p{L}\p{N}_@%+=:,./-]+$/u;

/** Reads one quoted stretch that begins at `at`; undefined if the quote never ends. */
function readQuoted(source: string, at: number): { text: string; end: number } | undefined {
  const quote = source.charAt(at);
  let text = '';
  for (let i = at + 1; i < source.length; i++) {
    const character = source.charAt(i);
    if (character === quote) return { text, end: i + 1 };
    if (quote === '"' && character === '\\' && /["\\$`]/.test(source.charAt(i + 1))) {
      i++;
      text += source.charAt(i);
    } else text += character;
  }
  return undefined;
}

/** Splits `source` as a shell would. */
export function splitWords(source: string): Split {
  const words: Word[] = [];
  let at = 0;
  while (at < source.length) {
    if (BLANK.test(source.charAt(at))) {
      at++;
      continue;
    }
    if (source.charAt(at) === '\\' && /^\\\r?\n/.test(source.slice(at))) {
      at += 2;
      continue;
    }
    const start = at;
    let text = '';
    while (at < source.length && !BLANK.test(source.charAt(at))) {
      const character = source.charAt(at);
      if (character === "'" || character === '"') {
        const quoted = readQuoted(source, at);
        if (!quoted) return { ok: false, message: 'A quote is opened and never closed.' };
        text += quoted.text;
        at = quoted.end;
      } else if (character === '\\') {
        if (at + 1 === source.length) return { ok: false, message: 'A backslash at the end quotes nothing.' };
        if (source.charAt(at + 1) !== '\n') text += source.charAt(at + 1);
        at += 2;
      } else if (ACTING.test(character)) {
        return { ok: false, message: `A shell would act on ${character} here. Put the word in single quotes.` };
      } else {
        text += character;
        at++;
      }
    }
    words.push({ text, start, end: at });
  }
  return { ok: true, words };
}

/** The word as one types it: bare where a shell leaves it alone, in single quotes otherwise. */
export function quoteWord(text: string): string {
  return PLAIN.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
