/**
 * `-o` lists: `name=value,name=value`, where `,,` inside a value is one comma (contract: systems.md row 6).
 */
import type { OptionTexts } from './declare.ts';

/** True for what qemu-img calls an invalid list: empty, or beginning or ending with a lone comma. */
function isBroken(list: string): boolean {
  if (list === '' || /^,(?!,)/.test(list)) return true;
  const tail = /,+$/.exec(list)?.[0].length ?? 0;
  const head = /^,+/.exec(list)?.[0].length ?? 0;
  return tail % 2 === 1 || head % 2 === 1;
}

/** Splits at lone commas; doubled ones become one. */
export function splitItems(list: string): string[] {
  const items: string[] = [];
  let item = '';
  for (let i = 0; i < list.length; i++) {
    const character = list.charAt(i);
    if (character !== ',') item += character;
    else if (list.charAt(i + 1) === ',') {
      item += ',';
      i++;
    } else {
      items.push(item);
      item = '';
    }
  }
  items.push(item);
  return items;
}

/** Name and value of every item, in order: a bare `name` means `name=on`, a bare `noname` means `name=off`; `id` is dropped. */
export function parseOptionItems(list: string): readonly (readonly [name: string, value: string])[] {
  const items: (readonly [string, string])[] = [];
  for (const item of splitItems(list)) {
    const equals = item.indexOf('=');
    let name = equals < 0 ? item : item.slice(0, equals);
    let value = equals < 0 ? 'on' : item.slice(equals + 1);
    if (equals < 0 && name.startsWith('no')) {
      name = name.slice(2);
      value = 'off';
    }
    if (name !== 'id') items.push([name, value]);
  }
  return items;
}

/** Reads one `-o` argument; the last value of a repeated name wins. Undefined for a list that qemu-img calls invalid. */
export function parseOptionList(list: string): OptionTexts | undefined {
  return isBroken(list) ? undefined : Object.fromEntries(parseOptionItems(list));
}

/** Writes texts as one `-o` argument, in their own order. */
export function printOptionList(texts: OptionTexts): string {
  return Object.entries(texts)
    .map(([name, value]) => `${name}=${value.replaceAll(',', ',,')}`)
    .join(',');
}
