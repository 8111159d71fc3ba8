/**
 * Everything about a new image that must be settled before qemu-img would print its summary line: the
 * backing image is there and of its format, and the disk has a size.
 */
import { parseQemuSize } from '../../engine/bytes/size-text.ts';
import { DiskwrightError } from '../../engine/errors.ts';
import type { FormatSpec } from '../../engine/image/format.ts';
import type { OptionTexts } from '../../engine/options/declare.ts';
import { type OpenedImage, openBackingChain } from './backing-chain.ts';

export interface ImageOrder {
  readonly name: string;
  readonly format: FormatSpec;
  /** Option texts by qemu-img name, without syntax problems. */
  readonly texts: OptionTexts;
  /** Store the backing file's name without opening it. */
  readonly unsafe?: boolean;
  readonly cwd: string;
  readonly onWarning?: ((text: string) => void) | undefined;
}

export interface PreparedImage {
  readonly texts: OptionTexts;
  readonly chain: readonly OpenedImage[];
}

/** qemu-img marks "no size" with 2^64 − 1, so a size that is typed as that counts as none. */
const UNSET_SIZE = (1n << 64n) - 1n;

export function hasSize({ size }: OptionTexts): boolean {
  if (size === undefined) return false;
  const reading = parseQemuSize(size);
  return !reading.ok || reading.bytes !== UNSET_SIZE;
}

const invalid = (option: string, message: string, fix: string): DiskwrightError =>
  new DiskwrightError('invalid-option', message, { option, fix });

async function openChain(order: ImageOrder, backing: string, format: string | undefined) {
  const { name, cwd, onWarning = () => {} } = order;
  const reference = format === undefined ? { name: backing } : { name: backing, format };
  return await openBackingChain(name, reference, { cwd, onWarning });
}

export async function prepareImage(order: ImageOrder): Promise<PreparedImage> {
  const { name, texts, unsafe = false } = order;
  const { backing_file: backing, backing_fmt: format } = texts;
  let chain: readonly OpenedImage[] = [];
  if (backing !== undefined) {
    if (backing === name) {
      throw invalid('backing_file', 'The image and its backing file are the same file.', 'Give one another name.');
    }
    if (backing === '') throw invalid('backing_file', 'The name of the backing file is empty.', 'Name a file.');
    if (!unsafe) chain = await openChain(order, backing, format);
    if (format === undefined) {
      const found = chain[0] ? ` It looks like ${chain[0].format}.` : '';
      const fix = `Give it with -F${chain[0] ? ` ${chain[0].format}` : ''}.`;
      throw invalid('backing_fmt', `The format of the backing file is not given.${found}`, fix);
    }
  }
  if (hasSize(texts)) return { texts, chain };
  const [base] = chain;
  if (!base) throw invalid('size', 'The disk has no size.', 'Give one after the file name, such as 32G.');
  return { texts: { ...texts, size: String(base.size) }, chain };
}
