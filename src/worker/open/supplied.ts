/**
 * The files that the person gave, and which of them an image means. A name inside an image is hostile input: it opens
 * nothing, it only picks one of the files that were given, by the last part of its path.
 */
import type { SuppliedFile } from './protocol.ts';

const lastPart = (name: string): string => name.split(/[\\/]/).at(-1) ?? name;

/** What no file can be. */
export function neverAFile(name: string): string | undefined {
  if (/^json:/i.test(name)) return 'it is a description in JSON, not a file';
  const protocol = /^([a-z][a-z0-9+.-]+):/i.exec(name)?.[1];
  if (protocol !== undefined && protocol.length > 1 && protocol.toLowerCase() !== 'file') {
    return `it is reached by "${protocol}:", not a file`;
  }
  return undefined;
}

/** The file that an image calls `name`, among those that are not in use. */
export function findSupplied(
  files: readonly SuppliedFile[],
  used: ReadonlySet<File>,
  name: string,
): SuppliedFile | undefined {
  const free = files.filter(({ file }) => !used.has(file));
  const wanted = lastPart(name);
  return (
    free.find(({ as }) => as === name) ??
    free.find(({ file, as }) => as === undefined && file.name === wanted) ??
    free.find(({ file, as }) => as === undefined && file.name.toLowerCase() === wanted.toLowerCase())
  );
}

export interface Named {
  readonly supplied: SuppliedFile;
  /** Names of files inside it. */
  readonly names: readonly string[];
}

/** The image that was meant: the first that no other refers to; among those one that refers to others. */
export function topOf(all: readonly Named[]): Named | undefined {
  const referred = (one: Named): boolean =>
    one.supplied.as !== undefined ||
    all.some((other) => other !== one && other.names.some((name) => lastPart(name) === one.supplied.file.name));
  const tops = all.filter((one) => !referred(one));
  return tops.find(({ names }) => names.length > 0) ?? tops[0] ?? all[0];
}
