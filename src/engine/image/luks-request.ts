/** Option texts of LUKS, by the names of the whole-file format → how a disk is to be encrypted. */
import { type CipherSpec, keyBytesOf } from '../crypto/cipher-spec.ts';
import type { NewLuks } from '../crypto/luks/create.ts';
import { luksHeaderLength } from '../crypto/luks/header.ts';
import { declare, type OptionTexts } from '../options/declare.ts';
import { luksOptions } from '../options/luks.ts';
import { acceptedValues } from '../options/read.ts';

const { cipherAlg, cipherMode, ivgenAlg, ivgenHashAlg, hashAlg, iterTime } = luksOptions('', (order) => ({
  group: 'extras',
  fold: 'encryption',
  order,
}));
const set = declare({ cipherAlg, cipherMode, ivgenAlg, ivgenHashAlg, hashAlg, iterTime });

/** Throws `invalid-option`. */
export function luksRequestOf(texts: OptionTexts): NewLuks {
  const values = acceptedValues(set, texts);
  const essiv = values.ivgenAlg === 'essiv';
  const cipher: CipherSpec = {
    algorithm: values.cipherAlg,
    mode: values.cipherMode,
    ivgen: values.ivgenAlg,
    ivgenHash: values.ivgenHashAlg ?? (essiv ? 'sha256' : undefined),
  };
  return { cipher, hash: values.hashAlg, iterTime: values.iterTime };
}

/** Bytes up to where the disk begins. */
export const luksHeaderLengthOf = (texts: OptionTexts): number =>
  luksHeaderLength(keyBytesOf(luksRequestOf(texts).cipher));
