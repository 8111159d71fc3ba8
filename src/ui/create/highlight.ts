/** Cuts a command line into stretches that are shown apart: the words of the tool, values, what needs a look. */
import { splitWords } from './shell-words.ts';

export type Tone = 'dim' | 'plain' | 'strong' | 'marked';

export interface Stretch {
  readonly tone: Tone;
  readonly text: string;
}

/** The items of a `-o` word as it stands in the source; a doubled comma separates nothing. */
function listStretches(source: string, marked: ReadonlySet<string>): Stretch[] {
  return source.split(/(?<!,)(,)(?!,)/).map((item) => {
    const name = item.replace(/^["']/, '').replace(/=.*$/s, '');
    return { tone: marked.has(name) ? 'marked' : 'plain', text: item };
  });
}

/**
 * `marked`: names of options, and whole words, that have a problem or no effect. Text that is no command
 * comes back as one plain stretch.
 */
export function highlight(source: string, marked: ReadonlySet<string>): readonly Stretch[] {
  const split = splitWords(source);
  if (!split.ok) return [{ tone: 'plain', text: source }];
  const stretches: Stretch[] = [];
  let at = 0;
  let before = '';
  let positionals = 0;
  split.words.forEach((word, index) => {
    if (word.start > at) stretches.push({ tone: 'plain', text: source.slice(at, word.start) });
    const written = source.slice(word.start, word.end);
    const flag = index < 2 || word.text.startsWith('-');
    const value = /^-[fbFo]$/.test(before);
    if (!flag && !value) positionals++;
    if (marked.has(word.text)) stretches.push({ tone: 'marked', text: written });
    else if (before === '-o') stretches.push(...listStretches(written, marked));
    else stretches.push({ tone: flag ? 'dim' : !value && positionals === 2 ? 'strong' : 'plain', text: written });
    before = word.text;
    at = word.end;
  });
  if (at < source.length) stretches.push({ tone: 'plain', text: source.slice(at) });
  return stretches;
}
