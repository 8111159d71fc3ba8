/** Option texts → the parameters of a new image, typed and rounded as qemu-img rounds them. */
import { DiskwrightError } from '../../errors.ts';
import type { Lock } from '../../image/format.ts';
import type { OptionTexts } from '../../options/declare.ts';
import { acceptedValues } from '../../options/read.ts';
import { encryptionParameters } from './encryption/wish.ts';
import { type Geometry, geometryOf } from './geometry.ts';
import { qcow2Options } from './options.ts';

export type Preallocation = 'off' | 'metadata' | 'falloc' | 'full';

export interface Parameters {
  /** Bytes, rounded up to whole sectors of 512. */
  readonly guestSize: number;
  readonly geometry: Geometry;
  readonly compat: '0.10' | '1.1';
  readonly extendedL2: boolean;
  readonly lazyRefcounts: boolean;
  readonly compressionType: 'zlib' | 'zstd';
  readonly preallocation: Preallocation;
  readonly backingFile: string | undefined;
  readonly backingFormat: string | undefined;
  readonly dataFile: string | undefined;
  readonly dataFileRaw: boolean;
  readonly encryption: EncryptionParameters | undefined;
}

/** `headerBytes`: of the LUKS header with its key material, 0 where there is none. */
export interface EncryptionParameters {
  readonly kind: Lock['kind'];
  readonly headerBytes: number;
}

/** Throws `invalid-option` for the first problem of the texts. */
export function parametersOf(texts: OptionTexts): Parameters {
  const values = acceptedValues(qcow2Options, texts);
  if (values.size === undefined) {
    throw new DiskwrightError('invalid-option', 'The disk has no size.', { option: 'size' });
  }
  const guestSize = Number(((values.size + 511n) / 512n) * 512n);
  const { clusterSize, refcountBits, extendedL2 } = values;
  return {
    guestSize,
    geometry: geometryOf({ clusterSize: Number(clusterSize), refcountBits, extendedL2, guestSize }),
    compat: values.compat,
    extendedL2,
    lazyRefcounts: values.lazyRefcounts,
    compressionType: values.compressionType,
    // A raw data file must be readable through the tables at once, so they are laid out in any case.
    preallocation: values.dataFileRaw && values.preallocation === 'off' ? 'metadata' : values.preallocation,
    backingFile: values.backingFile,
    backingFormat: values.backingFormat,
    dataFile: values.dataFile,
    dataFileRaw: values.dataFileRaw,
    encryption: encryptionParameters(texts),
  };
}

/** The same disk with another preallocation; for comparing what each would cost. */
export const withPreallocation = (parameters: Parameters, preallocation: Preallocation): Parameters => ({
  ...parameters,
  preallocation: parameters.dataFileRaw && preallocation === 'off' ? 'metadata' : preallocation,
});
