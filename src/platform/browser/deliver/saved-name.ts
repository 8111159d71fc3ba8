/** The name that a saved file gets, whatever was typed or stored. */

/** What browsers replace in the name of a download: reserved, invisible, or odd at an end. */
const REPLACED = /["*:<>?|\p{Cc}]|(?![\u200c\u200d])\p{Cf}|^[~\s]|\s$/gu;

/**
 * What the browser saves: the name without its folders, in the characters that every browser and system takes.
 * Settled here, so that the name shown and the name on disk are one.
 */
export const savedName = (name: string): string =>
  name
    .replace(/^.*[/\\]/, '')
    .replace(REPLACED, '_')
    .replace(/^\.+|\.+$/g, '');

/** Windows and macOS take two names for one that differ in their case only. */
export const sameName = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

/** `disk.raw` → `disk-copy.raw`, where a file that is read has the name: picked as the place to save, it would be emptied. */
export function freeName(name: string, taken: readonly string[]): string {
  const isTaken = (wanted: string): boolean => taken.some((one) => sameName(one, wanted));
  if (!isTaken(name)) return name;
  const dot = name.lastIndexOf('.');
  const [stem, ending] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, ''];
  for (let count = 1; ; count++) {
    const next = `${stem}-copy${count === 1 ? '' : `-${count}`}${ending}`;
    if (!isTaken(next)) return next;
  }
}
