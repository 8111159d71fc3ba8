/** Which of several files belong together: images with the files they name, each chain one image to convert. */
import type { SuppliedFile } from '../../worker/open/protocol.ts';

export interface Named {
  readonly supplied: SuppliedFile;
  /** Files that it names, as it names them. */
  readonly names: readonly string[];
}

const lastPart = (name: string): string => (name.split(/[\\/]/).at(-1) ?? name).toLowerCase();

/** Whether an image that names `name` can mean this file. */
export const means = (name: string, { file }: SuppliedFile): boolean => lastPart(name) === file.name.toLowerCase();

/** Everything that one image rests on, itself first. */
function chainOf(top: Named, all: readonly Named[]): Named[] {
  const chain = [top];
  // It grows while it is walked.
  for (const link of chain) {
    for (const name of link.names) {
      const next = all.find((one) => means(name, one.supplied));
      if (next && !chain.includes(next)) chain.push(next);
    }
  }
  return chain;
}

/** A file that several images rest on is in each of their groups. Images that name each other are left to the reader. */
export function groupsOf(all: readonly Named[]): (readonly SuppliedFile[])[] {
  const groups: Named[][] = [];
  const seen = new Set<Named>();
  const take = (top: Named): void => {
    const chain = chainOf(top, all);
    for (const one of chain) seen.add(one);
    groups.push(chain);
  };
  for (const top of all) {
    const below = all.some((one) => one !== top && one.names.some((name) => means(name, top.supplied)));
    if (!below) take(top);
  }
  for (const one of all) if (!seen.has(one)) take(one);
  return groups.map((group) => group.map((one) => one.supplied));
}
