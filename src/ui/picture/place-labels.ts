/** Finds room for the names below a strip, so that none covers another; what finds none goes to the legend. */

export interface Wanted<T> {
  readonly item: T;
  /** Where the bar begins and how long it is, as fractions of the strip. */
  readonly from: number;
  readonly share: number;
  /** Spellings, the best first; the first that fits is taken. */
  readonly names: readonly string[];
  /** The second line. */
  readonly note: string;
}

export interface Placed<T> {
  readonly item: T;
  readonly name: string;
  /** The label's tick: at the bar's start, or at its end with the words to the left of it. */
  readonly side: 'start' | 'end';
  /** Fraction of the strip. */
  readonly at: number;
}

export interface Placement<T> {
  readonly placed: readonly Placed<T>[];
  readonly left: readonly T[];
}

/** Width of a character of the 11 px labels, wide fonts included, and of the gap between two labels. */
const CHARACTER = 6.6;
const GAP = 14;

export function placeLabels<T>(wanted: readonly Wanted<T>[], stripWidth: number): Placement<T> {
  const taken: { from: number; to: number }[] = [];
  const placed: Placed<T>[] = [];
  const left: T[] = [];
  const fits = (from: number, to: number) =>
    from >= 0 && to <= stripWidth + GAP && taken.every((one) => to <= one.from || from >= one.to);

  function place({ item, from, share, names, note }: Wanted<T>): boolean {
    const start = from * stripWidth;
    const end = (from + share) * stripWidth;
    for (const name of names) {
      const width = Math.max(name.length, note.length) * CHARACTER + GAP;
      if (fits(start, start + width)) {
        taken.push({ from: start, to: start + width });
        placed.push({ item, name, side: 'start', at: from });
        return true;
      }
      if (fits(end - width + GAP, end + GAP)) {
        taken.push({ from: end - width, to: end });
        placed.push({ item, name, side: 'end', at: from + share });
        return true;
      }
    }
    return false;
  }

  // Long bars first; among equals the order of the file.
  for (const one of [...wanted].sort((a, b) => b.share - a.share)) if (!place(one)) left.push(one.item);
  const order = new Map(wanted.map(({ item }, index) => [item, index]));
  const inOrder = (a: T, b: T) => (order.get(a) ?? 0) - (order.get(b) ?? 0);
  return { placed: placed.sort((a, b) => inOrder(a.item, b.item)), left: left.sort(inOrder) };
}
