/** The library's way to convert: one image file into a new one, as the command does it. */
import { availableParallelism } from 'node:os';
import process from 'node:process';
import { DiskwrightError } from '../../engine/errors.ts';
import { findFormat } from '../../engine/formats/index.ts';
import type { OptionTexts } from '../../engine/options/declare.ts';
import { acceptedValues } from '../../engine/options/read.ts';
import { convertIntoNew, sizeOfDisks } from './convert-image.ts';
import { openChain } from './open-images.ts';
import { prepareImage } from './prepare-image.ts';
import { Secrets } from './secrets.ts';

/** Zeros in a row that are not copied, as qemu-img has it. */
const LEAST_ZEROS = 4096;

/** What is to be converted into what. */
export interface ConvertImageFileOptions {
  /** Path of the image that is read, with everything that it rests on. */
  readonly source: string;
  /** Default: recognised. */
  readonly sourceFormat?: string;
  /** Path of the new image. */
  readonly file: string;
  /** A format that can be made; default: raw, as with qemu-img. */
  readonly format?: string;
  /** Option texts of the new image by qemu-img name; the size is that of the disk. */
  readonly options?: OptionTexts;
  /** Compress the clusters. */
  readonly compress?: boolean;
  /** Open no file that an image names. */
  readonly noExternal?: boolean;
  /** What the ids of `encrypt.key-secret` and `key-secret` stand for. */
  readonly secrets?: Readonly<Record<string, string | Uint8Array>>;
  /** Default: the process's. */
  readonly cwd?: string;
  /** Cancels; what was made is removed and the promise rejects with kind `cancelled`. */
  readonly signal?: AbortSignal;
  /** Bytes done, and bytes to do. */
  readonly onProgress?: (done: number, total: number) => void;
  /** What the host cannot do, and what lies outside the image's folder. */
  readonly onNote?: (text: string) => void;
}

/** Converts into a new image file. Rejects with a DiskwrightError; then nothing new is left behind. */
export async function convertImageFile(request: ConvertImageFileOptions): Promise<void> {
  const { source, sourceFormat, file, format: name = 'raw', cwd = process.cwd(), compress = false } = request;
  const { noExternal = false, signal, onProgress, onNote } = request;
  const format = findFormat(name);
  if (!format?.options) {
    throw new DiskwrightError('unsupported', `${file}: images of the format ${name} cannot be made`);
  }
  const warned = onNote ? { onWarning: onNote } : {};
  const reference = sourceFormat === undefined ? { name: source } : { name: source, format: sourceFormat };
  const opened = await openChain(reference, { cwd, noExternal, ...warned });
  const secrets = new Secrets();
  for (const [id, secret] of Object.entries(request.secrets ?? {}))
    secrets.put(id, new Uint8Array(Buffer.from(secret)));
  try {
    const texts = { ...request.options, size: String(sizeOfDisks([opened])) };
    const prepared = await prepareImage({ name: file, format, texts, cwd, onWarning: onNote });
    acceptedValues(format.options, prepared.texts);
    await convertIntoNew(file, format, prepared, [opened], {
      cwd,
      compress,
      leastZeros: LEAST_ZEROS,
      threads: availableParallelism(),
      noExternal,
      secrets,
      signal,
      onProgress,
      ...(onNote ? { onNote } : {}),
      ...warned,
    });
  } finally {
    secrets.clear();
    opened.close();
  }
}
