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
