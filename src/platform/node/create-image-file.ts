/** The library's way to an image file on this host: what the command does, without its command line. */
import process from 'node:process';
import { DiskwrightError } from '../../engine/errors.ts';
import { findFormat } from '../../engine/formats/index.ts';
import type { OptionTexts } from '../../engine/options/declare.ts';
import { acceptedValues } from '../../engine/options/read.ts';
import { buildImage } from './build-image.ts';
import { prepareImage } from './prepare-image.ts';
import { Secrets } from './secrets.ts';

/** A new image file, as it is asked for. */
export interface CreateImageFileOptions {
  /** Path of the new image; relative to `cwd`. */
  readonly file: string;
  /** `raw` or `qcow2`; default: raw, as with qemu-img. */
  readonly format?: string;
  /** Option texts by qemu-img name: `{ size: '32G', preallocation: 'metadata' }`. */
  readonly options: OptionTexts;
  /** What the ids of `encrypt.key-secret` and `key-secret` stand for. */
  readonly secrets?: Readonly<Record<string, string | Uint8Array>>;
  /** Store the backing file's name without opening it. */
  readonly unsafe?: boolean;
  /** Default: the process's. */
  readonly cwd?: string;
  /** Cancels; what was made is removed and the promise rejects with kind `cancelled`. */
  readonly signal?: AbortSignal;
  /** Bytes written so far and to write, per file. */
  readonly onProgress?: (done: number, total: number) => void;
  /** What the host cannot do, and what is overwritten or written in place. */
  readonly onNote?: (text: string) => void;
}

/** What became of a create request. */
export interface CreatedImage {
  /** Option texts as used, with an inherited size filled in. */
  readonly options: OptionTexts;
  /** Length of the image file in bytes. */
  readonly length: number;
}

/** Makes an image file, and its data file if it has one. Rejects with a DiskwrightError; then nothing is left behind. */
export async function createImageFile(request: CreateImageFileOptions): Promise<CreatedImage> {
  const { file, format: name = 'raw', unsafe = false, cwd = process.cwd(), signal, onProgress, onNote } = request;
  const format = findFormat(name);
  if (!format?.options)
    throw new DiskwrightError('unsupported', `${file}: images of the format ${name} cannot be made`);
  const prepared = await prepareImage({ name: file, format, texts: request.options, unsafe, cwd, onWarning: onNote });
  acceptedValues(format.options, prepared.texts);
  const secrets = new Secrets();
  for (const [id, secret] of Object.entries(request.secrets ?? {}))
    secrets.put(id, new Uint8Array(Buffer.from(secret)));
  try {
    const options = { cwd, signal, onProgress, onNote, onWarning: onNote, secrets };
    const layout = await buildImage(file, format, prepared, options);
    return { options: prepared.texts, length: layout.image.length };
  } finally {
    secrets.clear();
  }
}
