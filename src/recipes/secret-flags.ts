/** Which flags of a command line may be shown and passed on: never one that may hold a passphrase. */

const OBJECT = /^--?ob[a-z]*(?==|$)/;
/** Where a secret is, or how it is written; `data` is the secret itself. */
const TELLS_NOTHING = /^\s*(?:id|file|format)=/;

/**
 * False for every definition of an object that is not plainly a secret kept in a file: JSON, other orders of words and
 * slips of the pen (a type that was forgotten, a blank too much) may all hold one.
 */
export function isHarmless(flag: readonly string[]): boolean {
  const [word = ''] = flag;
  if (!OBJECT.test(word)) return true;
  const equals = word.indexOf('=');
  const words = equals < 0 ? flag.slice(1) : [word.slice(equals + 1), ...flag.slice(1)];
  const [kind, ...items] = words.join(' ').split(',');
  return kind === 'secret' && items.every((item) => TELLS_NOTHING.test(item));
}
