/**
 * JSON as qemu-img prints it: four blanks a level, only ASCII, and the names of an object in the order of QEMU's
 * hash table (by a hash of the name, not by meaning), so that outputs can be compared as texts.
 */
import type { FactValue } from '../engine/image/description.ts';

const BUCKETS = 512n;
const WORD = 0xffff_ffffn;

function bucketOf(name: string): number {
  let value = (0x238f_13afn * BigInt(name.length)) & WORD;
  for (let i = 0; i < name.length; i++) {
    value = (value + BigInt((name.charCodeAt(i) << ((i * 5) % 24)) >>> 0)) & WORD;
  }
  return Number(((1103515243n * value + 12345n) & WORD) % BUCKETS);
}

/** Entries in the order in which QEMU lists them. */
export function inQemuOrder<T>(object: Readonly<Record<string, T>>): [string, T][] {
  return Object.entries(object).sort(([a], [b]) => bucketOf(a) - bucketOf(b));
}

const SHORT: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
};

function quoted(text: string): string {
  let out = '';
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    const character = text.charAt(i);
    if (SHORT[character] !== undefined) out += SHORT[character];
    else if (unit < 0x20 || unit >= 0x7f) out += `\\u${unit.toString(16).toUpperCase().padStart(4, '0')}`;
    else out += character;
  }
  return `"${out}"`;
}

function print(value: FactValue, indent: string): string {
  if (typeof value === 'string') return quoted(value);
  if (typeof value !== 'object') return String(value);
  const inner = `${indent}    `;
  const [open, close, items] = Array.isArray(value)
    ? ['[', ']', value.map((item: FactValue) => print(item, inner))]
    : [
        '{',
        '}',
        inQemuOrder(value as Readonly<Record<string, FactValue>>).map(
          ([name, item]) => `${quoted(name)}: ${print(item, inner)}`,
        ),
      ];
  const body = items.map((item) => `\n${inner}${item}`).join(',');
  return `${open}${body}\n${indent}${close}`;
}

/** The text with its final newline. */
export const qemuJson = (value: FactValue): string => `${print(value, '')}\n`;
