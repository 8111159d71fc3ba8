/** Small LUKS volumes for tests, without the wait that a real passphrase costs. */
import { createLuks } from '../engine/crypto/luks/create.ts';
import type { RandomBytes } from '../engine/crypto/luks/store-key.ts';
import { luksRequestOf } from '../engine/image/luks-request.ts';
import type { OptionTexts } from '../engine/options/declare.ts';
import { answeredAtOnce } from './answered-at-once.ts';
import { Random } from './random.ts';

export const secret = (text: string): Uint8Array => new TextEncoder().encode(text);

export function seededBytes(seed: number): RandomBytes {
  const random = new Random(seed);
  return (length) => Uint8Array.from({ length }, () => random.below(256));
}

/** The header, up to where the disk begins. A thousand iterations, the fewest there are. */
export const smallLuksHeader = (passphrase: string, texts: OptionTexts = {}, seed = 1): Uint8Array =>
  answeredAtOnce(createLuks(luksRequestOf(texts), secret(passphrase), seededBytes(seed)));
