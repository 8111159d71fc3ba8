/** Problems of options in the command's words: the form's sentences, and the fix as something to type. */
import type { Fix, Problem } from '../engine/options/declare.ts';
import { type Io, say } from './io.ts';

function typed(fix: Fix): string {
  const set = Object.entries(fix.set).filter(([, text]) => text !== null);
  const unset = Object.entries(fix.set).filter(([, text]) => text === null);
  const parts = [
    ...(set.length > 0 ? [`-o ${set.map(([name, text]) => `${name}=${text}`).join(',')}`] : []),
    ...(unset.length > 0 ? [`leave ${unset.map(([name]) => name).join(' and ')} out`] : []),
  ];
  return parts.join(' ');
}

export function sayProblems(io: Io, file: string, problems: readonly Problem[]): void {
  for (const { message, why, fixes } of problems) {
    say(io, `${file}: ${why === undefined ? message : `${message} ${why}`}`);
    if (fixes.length > 0) say(io, `fix: ${fixes.map(typed).join(', or ')}`);
  }
}
