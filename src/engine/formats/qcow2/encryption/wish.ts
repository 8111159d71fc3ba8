/** Option texts → how a new disk is to be encrypted. */
import type { Encryption } from '../../../image/format.ts';
import { luksHeaderLengthOf } from '../../../image/luks-request.ts';
import type { OptionTexts } from '../../../options/declare.ts';
import { FLAG_WORDS } from '../../../options/read.ts';
import type { EncryptionParameters } from '../parameters.ts';

const PREFIX = 'encrypt.';

/** Texts without problems. */
export function encryptionWish(texts: OptionTexts): Encryption | undefined {
  const { 'encrypt.format': format, 'encrypt.key-secret': secret, encryption } = texts;
  const old = FLAG_WORDS[encryption ?? 'off'] === true;
  if (format !== 'luks') return format === 'aes' || old ? { kind: 'aes', secret, texts: {} } : undefined;
  const own = Object.entries(texts)
    .filter(([name]) => name.startsWith(PREFIX))
    .map(([name, text]) => [name.slice(PREFIX.length), text] as const)
    .filter(([name]) => name !== 'format' && name !== 'key-secret');
  return { kind: 'luks', secret, texts: Object.fromEntries(own) };
}

export function encryptionParameters(texts: OptionTexts): EncryptionParameters | undefined {
  const wish = encryptionWish(texts);
  return wish && { kind: wish.kind, headerBytes: wish.kind === 'luks' ? luksHeaderLengthOf(wish.texts) : 0 };
}
