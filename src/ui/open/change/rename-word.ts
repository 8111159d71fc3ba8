/** Puts the name that was typed in the place of the proposed one, wherever it is a word of a command. */
import { quoteWord, splitWords } from '../../create/shell-words.ts';

export function renameWord(command: string, from: string, to: string): string {
  const split = splitWords(command);
  if (!split.ok || from === to) return command;
  let renamed = '';
  let at = 0;
  for (const { text, start, end } of split.words) {
    if (text !== from) continue;
    renamed += command.slice(at, start) + quoteWord(to);
    at = end;
  }
  return renamed + command.slice(at);
}
