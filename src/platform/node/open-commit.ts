/**
 * Opens an image and one that it rests on, both to be written: what the upper ones hold is to go into the lower one.
 *
 * Which file is written is decided by names inside images, unless the person names it. One outside the folder of the
 * image that names it is written only where the person allows it.
 */
import { DiskwrightError } from '../../engine/errors.ts';
import type { Chain } from '../../engine/image/access.ts';
import type { OpenImage } from '../../engine/image/image.ts';
import type { OpenSettings, WritableImage } from '../../engine/image/writable.ts';
import { identityOf, outside } from './backing-chain.ts';
import { relativeToImage } from './image-name.ts';
import { backingOf, type ImageFile, named, openBelow, openImageFile, openLayer } from './open-images.ts';
import {
  editorOf,
  openDataFile,
  openForWriting,
  openWritableFile,
  type WritableFile,
  type WritableOptions,
} from './open-writable.ts';
import { guardFirstSector } from './probed-raw.ts';
import { type EncryptionSaid, type ImageReference, saidOf, unlockImage } from './unlock-image.ts';

export interface OpenedForCommit {
  /** The upper image. */
  readonly image: WritableImage;
  readonly name: string;
  readonly base: WritableImage;
  readonly baseName: string;
  /** Cluster size of the base, where it has clusters. */
  readonly baseCluster: number | undefined;
  /** The image first, through the base to the bottom. */
  readonly chain: Chain;
  /** Where the base stands in the chain. */
  readonly depth: number;
  /** Closes both cleanly, and every file whatever happens. */
  close(): void;
}

interface Closable {
  close(): void;
}

async function openFiles(top: WritableFile, opened: Closable[], options: WritableOptions): Promise<ImageFile[]> {
  const files: ImageFile[] = [top];
  for (let below = backingOf(top); below; ) {
    const file = await openBelow(files, below, options);
    opened.push(file.device);
    files.push(file);
    below = backingOf(file);
  }
  return files;
}

/** Which image of the chain `typed` means: by the name that is stored, or by the file that it leads to. */
async function depthOf(typed: string, files: readonly ImageFile[], options: WritableOptions): Promise<number> {
  const stored = files.findIndex((_, i) => i > 0 && storedName(files[i - 1]) === typed);
  if (stored > 0) return stored;
  for (let depth = 1; depth < files.length; depth++) {
    try {
      const name = relativeToImage(files[depth - 1]?.name ?? '', typed);
      const { device, stat } = await openImageFile({ name, format: 'raw' }, { cwd: options.cwd, share: true });
      device.close();
      if (identityOf(stat) === identityOf((files[depth] as ImageFile).stat)) return depth;
    } catch (thrown) {
      if (!(thrown instanceof DiskwrightError)) throw thrown;
    }
  }
  throw new DiskwrightError('io', `${files[0]?.name}: it does not rest on ${typed}`);
}

const storedName = (file: ImageFile | undefined): string | undefined => file?.driver.backing?.(file.device)?.name;

/** Opens the base a second time, to write: what was opened to be read is known to be the same file. */
function openBase(files: readonly ImageFile[], depth: number, byName: boolean, options: WritableOptions): WritableFile {
  const file = files[depth] as ImageFile;
  const above = files[depth - 1] as ImageFile;
  if (!byName && !options.allowOutside && outside(above.name, file.name, options.cwd)) {
    throw new DiskwrightError('unsupported', `${above.name} rests on ${file.name}, which is outside its folder`, {
      fix: `If it is to be written: --allow-outside, or name it: -b ${storedName(above)}.`,
    });
  }
  const { device, stat } = openForWriting(file.name, options.cwd, false, 'backing image');
  if (identityOf(stat) === identityOf(file.stat)) return { ...file, device, stat };
  device.close();
  throw new DiskwrightError('io', `${file.name}: another file has taken its place meanwhile`);
}

class Opening {
  readonly #opened: Closable[] = [];
  readonly #images: { readonly name: string; readonly image: WritableImage }[] = [];
  readonly #options: WritableOptions;

  constructor(options: WritableOptions) {
    this.#options = options;
  }

  async open(reference: ImageReference, base: string | undefined): Promise<OpenedForCommit> {
    const top = await openWritableFile(reference, this.#options);
    this.#opened.push(top.device);
    const files = await openFiles(top, this.#opened, this.#options);
    if (files.length === 1) throw new DiskwrightError('invalid-option', `${top.name}: it rests on no other image`);
    const depth = base === undefined ? 1 : await depthOf(base, files, this.#options);
    const baseFile = openBase(files, depth, base !== undefined, this.#options);
    this.#opened.push(baseFile.device);
    const others = files.with(depth, baseFile);
    const layers = async (from: number, to: number): Promise<OpenImage[]> => {
      const images: OpenImage[] = [];
      for (const [i, file] of others.slice(from, to).entries()) {
        images.push((await openLayer(file, this.#opened, this.#options, saidOf(reference, from + i))).image);
      }
      return images;
    };
    const below = await layers(depth + 1, others.length);
    const opening = await this.#openWritable(baseFile, saidOf(reference, depth), others, below);
    const probed = baseFile.format === 'raw' && backingOf(files[depth - 1] as ImageFile)?.format === undefined;
    const baseImage = probed ? await guardFirstSector(opening) : opening;
    const between = await layers(1, depth);
    const under = [...between, baseImage, ...below];
    const image = await this.#openWritable(top, saidOf(reference, 0), others, under);
    const description = named(baseFile.name, () => baseFile.driver.describe?.(baseFile.device));
    return {
      image,
      name: top.name,
      base: baseImage,
      baseName: baseFile.name,
      baseCluster: description?.clusterSize,
      chain: [image, ...under],
      depth,
      close: () => this.close(),
    };
  }

  async #openWritable(
    file: WritableFile,
    said: EncryptionSaid,
    others: readonly ImageFile[],
    under: readonly OpenImage[],
  ) {
    const [nearest, ...rest] = under;
    const backing: Chain | undefined = nearest && [nearest, ...rest];
    const data = openDataFile(
      file,
      others.filter((one) => one.device !== file.device),
      this.#options,
    );
    if (data) this.#opened.push(data);
    const { onWarning } = this.#options;
    const editor = await editorOf(file);
    const cipher = await unlockImage(file, said, this.#options);
    const settings: OpenSettings = {
      unmap: true,
      ...(onWarning ? { onWarning } : {}),
      ...this.#options.settings,
      cipher,
    };
    const image = named(file.name, () => editor.openWritable({ image: file.device, data, backing }, settings));
    this.#images.push({ name: file.name, image });
    return image;
  }

  close(): void {
    try {
      this.#closeImages();
    } finally {
      for (const one of this.#opened.splice(0)) one.close();
    }
  }

  /** The base first: what was written there is safe before the upper image is left. */
  #closeImages(): void {
    const next = this.#images.shift();
    if (!next) return;
    try {
      named(next.name, () => next.image.close());
    } finally {
      this.#closeImages();
    }
  }
}

/** `base`: the name of the image to be written, as the person typed it; absent: the nearest. */
export async function openForCommit(
  reference: ImageReference,
  base: string | undefined,
  options: WritableOptions,
): Promise<OpenedForCommit> {
  const opening = new Opening(options);
  try {
    return await opening.open(reference, base);
  } catch (thrown) {
    try {
      opening.close();
    } catch {
      // What went wrong first is what is told.
    }
    throw thrown;
  }
}
