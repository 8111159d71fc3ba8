/** The image that `io` works on: opened for reading or for writing, closed, opened again another way. */

import type { ReadableDevice } from '../../engine/device/device.ts';
import { DiskwrightError } from '../../engine/errors.ts';
import type { Chain } from '../../engine/image/access.ts';
import type { FormatDriver } from '../../engine/image/format.ts';
import type { WritableImage } from '../../engine/image/writable.ts';
import { type OpenOptions, openChain } from '../../platform/node/open-images.ts';
import { openWritableImage } from '../../platform/node/open-writable.ts';
import type { ImageReference } from '../../platform/node/unlock-image.ts';
import { type Io, sayError } from '../io.ts';
import { IoMistake } from './line.ts';

/** How an image is to be opened. */
export interface OpenWish {
  readonly reference: ImageReference;
  readonly readOnly: boolean;
  /** Read an image that a machine is writing to; for reading only. */
  readonly share: boolean;
  /** What is read from below is kept in the image. */
  readonly copyOnRead: boolean;
  /** `ignore`: discards succeed and do nothing. */
  readonly discard: 'ignore' | 'unmap';
  /** Settings of the open image. */
  readonly texts: Readonly<Record<string, string>>;
}

interface Opened {
  readonly wish: OpenWish;
  readonly format: string;
  readonly driver: FormatDriver;
  readonly device: ReadableDevice;
  readonly chain: Chain;
  readonly writable?: WritableImage;
  close(): void;
}

type Rest = Omit<OpenOptions, 'share'> & { readonly allowOutside: boolean };

export class Session {
  readonly io: Io;
  readonly #rest: Rest;
  #opened: Opened | undefined;

  constructor(io: Io, rest: Rest) {
    this.io = io;
    this.#rest = rest;
  }

  get isOpen(): boolean {
    return this.#opened !== undefined;
  }

  get opened(): Opened {
    if (!this.#opened) throw new IoMistake('no image is open: "open" opens one');
    return this.#opened;
  }

  get chain(): Chain {
    return this.opened.chain;
  }

  get size(): number {
    return this.opened.chain[0].virtualSize;
  }

  get writable(): WritableImage {
    const { writable, wish } = this.opened;
    if (!writable) throw new IoMistake(`${wish.reference.name} is open for reading only`);
    return writable;
  }

  async open(wish: OpenWish): Promise<void> {
    const { name } = wish.reference;
    if (this.#opened) throw new IoMistake(`${this.#opened.wish.reference.name} is open: "close" closes it`);
    if (wish.share && !wish.readOnly) {
      throw new DiskwrightError('locked', `${name}: -U is for reading an image in use, and this would write to it`, {
        fix: 'Add -r.',
      });
    }
    if (!wish.readOnly) {
      const settings = { texts: wish.texts, unmap: wish.discard === 'unmap' };
      const opened = await openWritableImage(wish.reference, { ...this.#rest, settings });
      this.#opened = { ...opened, close: opened.close, writable: opened.image, wish };
      return;
    }
    if (wish.copyOnRead) {
      throw new DiskwrightError('invalid-option', `${name}: -C writes to the image, and -r opens it for reading`);
    }
    const [setting] = Object.keys(wish.texts);
    if (setting !== undefined) {
      throw new DiskwrightError('invalid-option', `${name}: ${setting} concerns writing, and -r opens for reading`);
    }
    const { layers, chain, close } = await openChain(wish.reference, { ...this.#rest, share: wish.share });
    const [{ driver, format, device }] = layers;
    this.#opened = { wish, format, driver, device, chain, close };
  }

  close(): void {
    const opened = this.opened;
    this.#opened = undefined;
    opened.close();
  }

  /** At the end, whatever came before; false if the image could not be closed cleanly. */
  end(): boolean {
    if (!this.#opened) return true;
    try {
      this.close();
      return true;
    } catch (thrown) {
      sayError(this.io, thrown);
      return false;
    }
  }
}
