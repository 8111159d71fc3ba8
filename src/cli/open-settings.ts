/**
 * Settings of an open image, from `--image-opts` or `-o`: those that concern opening are taken out, the rest goes
 * to the format. Nothing is accepted that would have no effect.
 */
import { FLAG_WORDS } from '../engine/options/read.ts';
import { UsageError } from './io.ts';

export interface OpenSettingTexts {
  readonly readOnly: boolean;
  readonly share: boolean;
  readonly discard?: string;
  /** For the format, by QEMU's names. */
  readonly texts: Readonly<Record<string, string>>;
}

function flagOf(name: string, text: string): boolean {
  const value = FLAG_WORDS[text];
  if (value === undefined) throw new UsageError(`${name} is on or off, not "${text}"`);
  return value;
}

/** Settings with a value that says what happens here anyway; any other is refused. */
const AS_IT_IS: Readonly<Record<string, readonly [value: string, why: string]>> = {
  'detect-zeroes': ['off', 'what is written is not searched for zeros here'],
  'cache.direct': ['off', 'the host has one way of caching'],
  'cache.no-flush': ['off', 'the host has one way of caching'],
  'file.driver': ['file', 'images are files here'],
};

export function settingsFrom(given: Readonly<Record<string, string>>): OpenSettingTexts {
  const { 'read-only': readOnly, 'force-share': share, discard, ...rest } = given;
  const texts: Record<string, string> = {};
  for (const [name, value] of Object.entries(rest)) {
    const fixed = AS_IT_IS[name];
    if (!fixed) texts[name] = value;
    else if (fixed[0] !== value) throw new UsageError(`${name}=${value} is not available: ${fixed[1]}`);
  }
  return {
    readOnly: readOnly !== undefined && flagOf('read-only', readOnly),
    share: share !== undefined && flagOf('force-share', share),
    texts,
    ...(discard === undefined ? {} : { discard }),
  };
}
