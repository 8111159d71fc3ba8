/** The first items of a list that a file has made as long as it liked: the rest is shown when asked for. */
import { useState } from 'react';

const AT_FIRST = 100;
const AT_ONCE = 1000;

export function useFirst<Item>(items: readonly Item[]): {
  readonly shown: readonly Item[];
  /** How many are not shown. */
  readonly rest: number;
  readonly showMore: () => void;
} {
  const [count, setCount] = useState(AT_FIRST);
  const shown = items.length > count ? items.slice(0, count) : items;
  return { shown, rest: items.length - shown.length, showMore: () => setCount((old) => old + AT_ONCE) };
}
