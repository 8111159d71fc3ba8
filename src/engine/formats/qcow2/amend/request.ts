/** Texts of `amend` → what is to become of the image, read with the declaration of the create options. */
import { isPowerOfTwo } from '../../../bytes/math.ts';
import { DiskwrightError } from '../../../errors.ts';
import { findOption, type OptionTexts } from '../../../options/declare.ts';
import { readOptions } from '../../../options/read.ts';
import { qcow2Options } from '../options.ts';

/** Absent: stays as it is. */
export interface AmendRequest {
  readonly version?: 2 | 3;
  readonly lazyRefcounts?: boolean;
  readonly refcountBits?: number;
  /** Bytes. */
  readonly size?: number;
  readonly dataFile?: string;
  readonly dataFileRaw?: boolean;
  readonly backingFile?: string;
  readonly backingFormat?: string;
}

const MAX_SIZE = 2n ** 63n - 1n;

function refuse(option: string, message: string, fix?: string): never {
  throw new DiskwrightError('invalid-option', message, fix === undefined ? { option } : { option, fix });
}

/** Throws `invalid-option` for the first text that cannot be read or an option that an image keeps. */
export function readAmendRequest(texts: OptionTexts): AmendRequest {
  const { values, problems } = readOptions(qcow2Options, texts);
  for (const name of Object.keys(texts)) {
    const option = findOption(qcow2Options, name);
    if (option && !option.amend) {
      refuse(name, `${option.label} is chosen when an image is made, and stays.`, 'Convert the disk to a new image.');
    }
  }
  const unreadable = problems.find(({ stage }) => stage !== 'rule');
  if (unreadable) {
    const { option, message, why } = unreadable;
    refuse(option, why === undefined ? message : `${message} ${why}`);
  }
  const given = <T>(name: string, value: T): T | undefined => (texts[name] === undefined ? undefined : value);
  const { refcountBits, size = 0n } = values;
  if (!isPowerOfTwo(refcountBits) || refcountBits > 64) {
    refuse('refcount_bits', 'The refcount width is a power of two from 1 to 64 bits.');
  }
  if (size > MAX_SIZE) refuse('size', 'The disk is too large: it ends below 8 EiB.');
  const request = {
    version: given('compat', values.compat === '0.10' ? 2 : 3),
    lazyRefcounts: given('lazy_refcounts', values.lazyRefcounts),
    refcountBits: given('refcount_bits', refcountBits),
    // As with qemu-img, a size of 0 is none.
    size: size === 0n ? undefined : given('size', Number(size)),
    dataFile: given('data_file', values.dataFile),
    dataFileRaw: given('data_file_raw', values.dataFileRaw),
    backingFile: given('backing_file', values.backingFile),
    backingFormat: given('backing_fmt', values.backingFormat),
  };
  return Object.fromEntries(Object.entries(request).filter(([, value]) => value !== undefined));
}
