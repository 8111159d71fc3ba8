/** Facts of an image as people read them: `info`, and `info` of `io`. */
import type { Facts, FactValue } from '../engine/image/description.ts';
import { inQemuOrder } from '../jobs/qemu-json.ts';

/** Facts as an indented list; names with blanks for dashes. */
export function humanFacts(value: Facts | readonly FactValue[], indent: string): string {
  const list = Array.isArray(value);
  const entries: [string, FactValue][] = list
    ? value.map((item: FactValue, i: number) => [`[${i}]`, item])
    : inQemuOrder(value as Readonly<Record<string, FactValue>>);
  return entries
    .map(([name, item]) => {
      const shown = `${indent}${list ? name : name.replaceAll('-', ' ')}:`;
      if (typeof item !== 'object') return `${shown} ${item}\n`;
      return `${shown}\n${humanFacts(item, `${indent}    `)}`;
    })
    .join('');
}
