/**
 * How hard a passphrase is to guess, judged small: by what guessers try first. It counts what was typed as if it were
 * chosen at random, takes off what repeats or runs on, and counts words as words.
 */

const WORN = (
  'password passphrase passwort letmein welcome admin root secret qwerty qwertz azerty iloveyou monkey dragon ' +
  'football baseball sunshine princess master shadow superman trustno1 changeme default test guest'
).split(' ');

/** How many characters someone chose from. */
const KINDS: readonly (readonly [RegExp, number])[] = [
  [/[a-z]/, 26],
  [/[A-Z]/, 26],
  [/\d/, 10],
  [/[ -/:-@[-`{-~]/, 33],
  [/[^ -~]/, 100],
];

/** Of a word out of a list of a few thousand. */
const BITS_OF_WORD = 12;

/** Characters that the one before does not foretell. */
function surprises(text: string): number {
  let count = 0;
  for (let i = 0; i < text.length; i++) {
    const step = text.charCodeAt(i) - text.charCodeAt(i - 1);
    const before = text.charCodeAt(i - 1) - text.charCodeAt(i - 2);
    // The same again, or one further as before: abc, 321, aaa.
    if (i > 1 && step === before && Math.abs(step) <= 1) continue;
    count += step === 0 ? 0.5 : 1;
  }
  return count;
}

/** Bits: about 2 to this power tries. */
export function bitsOf(passphrase: string): number {
  const plain = passphrase.toLowerCase();
  const worn = WORN.reduce((left, word) => left.replaceAll(word, '.'), plain);
  const kept = worn === plain ? passphrase : worn;
  const pool = KINDS.reduce((sum, [kind, size]) => sum + (kind.test(kept) ? size : 0), 0);
  const byCharacters = surprises(kept) * Math.log2(Math.max(2, pool));
  const words = plain.split(/[\s_.-]+/).filter((word) => word !== '');
  const allWords = words.length > 1 && words.every((word) => /^\p{L}+$/u.test(word));
  return allWords ? Math.min(byCharacters, new Set(words).size * BITS_OF_WORD) : byCharacters;
}

export interface Strength {
  readonly level: 0 | 1 | 2 | 3;
  readonly word: string;
  /** What it means. */
  readonly meaning: string;
}

/** At ten thousand tries a second, which is a rack of graphics cards against the usual key derivation. */
const LEVELS: readonly (Strength & { readonly below: number })[] = [
  { below: 36, level: 0, word: 'Weak', meaning: 'guessed within weeks by someone who has the file.' },
  { below: 52, level: 1, word: 'Fair', meaning: 'holds against the curious, not against a farm of graphics cards.' },
  { below: 72, level: 2, word: 'Good', meaning: 'thousands of years for a farm of graphics cards.' },
  { below: Number.POSITIVE_INFINITY, level: 3, word: 'Strong', meaning: 'nobody guesses it.' },
];

export function strengthOf(passphrase: string): Strength {
  const bits = bitsOf(passphrase);
  const { level, word, meaning } = LEVELS.find(({ below }) => bits < below) as Strength;
  return { level, word, meaning };
}
