/** What the options ask for and Node cannot do, one line each: nothing is accepted and silently left out. */
import { parseQemuSize } from '../../engine/bytes/size-text.ts';
import type { OptionTexts } from '../../engine/options/declare.ts';
import { FLAG_WORDS } from '../../engine/options/read.ts';

export function hostNotes(texts: OptionTexts): string[] {
  const notes: string[] = [];
  if (texts.preallocation === 'falloc') {
    notes.push('Node cannot reserve space, so preallocation=falloc writes zeros');
  }
  if (texts.nocow !== undefined && FLAG_WORDS[texts.nocow]) notes.push('Node cannot set nocow, so it has no effect');
  if (texts.extent_size_hint !== undefined) {
    const hint = parseQemuSize(texts.extent_size_hint);
    if (hint.ok && hint.bytes > 0n) notes.push('Node cannot set extent_size_hint, so it has no effect');
  }
  return notes;
}
