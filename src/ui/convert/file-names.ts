/** The name of the new file: follows the source and the format until somebody types another. */
import { findFormat } from '../../engine/formats/index.ts';
import { savedName } from '../../platform/browser/deliver/saved-name.ts';
import { creatable } from '../create/reading.ts';

interface Naming {
  /** Of the image that is read. */
  readonly source: string;
  readonly format: string;
  readonly compress: boolean;
  readonly snapshot?: string | undefined;
  /** Names of all files that are read. */
  readonly taken: readonly string[];
}

const stemOf = (name: string): string => name.replace(/\.[^.]+$/, '') || name;
const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

/** Never the name of a file that is read: picked as the place to save, it would be emptied. */
export function proposedName({ source, format, compress, snapshot, taken }: Naming): string {
  const ending = findFormat(format)?.ending ?? format;
  const stem = snapshot === undefined ? stemOf(source) : `${stemOf(source)}-${snapshot.replaceAll(/[/\\]/g, '-')}`;
  const name = (more: string): string => savedName(`${stem}${more}.${ending}`);
  if (!taken.some((one) => same(one, name('')))) return name('');
  const word = compress ? '-compressed' : '-copy';
  for (let count = 1; ; count++) {
    const next = name(count === 1 ? word : `${word}-${count}`);
    if (!taken.some((one) => same(one, next))) return next;
  }
}

/** A typed name goes along to another format if its ending was that of a format. */
export function withEnding(name: string, format: string): string {
  const ending = findFormat(format)?.ending ?? format;
  const old = creatable.find((one) => one.name !== format && name.endsWith(`.${one.ending}`));
  return old ? `${name.slice(0, -old.ending.length)}${ending}` : name;
}

/** Why a file cannot have this name. */
export function nameTrouble(name: string, sources: readonly string[], others: readonly string[]): string | undefined {
  const saved = savedName(name);
  if (saved === '') return 'The new file needs a name.';
  if (sources.some((one) => same(one, saved))) {
    return 'A file that is read has this name. Saved over it, it would be emptied before it is read.';
  }
  if (others.some((one) => same(one, saved))) return 'Another image is saved under this name.';
  return undefined;
}
