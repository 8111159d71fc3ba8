/** What a writable open does about dirty bitmaps (contract: qcow2-format.md §10, steps 29 to 31). */
import type { Extension } from '../extensions.ts';
import { ExtensionType } from '../header.ts';
import type { ImageState } from '../state.ts';
import { bitmapsOf } from '../validate.ts';
import { ImageBitmaps } from './bitmap-control.ts';
import { KNOWN_AUTOCLEAR } from './bitmap-store.ts';

const UNAWARE = 'a program that knows nothing of dirty bitmaps has changed the image, so they are given up';
const LEAKS = 'check -r leaks frees their clusters';

/**
 * Takes the bitmaps of the image over: marks them as in use, has them record what guests write, and stores them when
 * the image is closed. The header is written anew at most once more than that needs: feature bits of programs that
 * would have to keep up go, and so does what points at bitmaps that cannot be trusted.
 */
export function openBitmaps(state: ImageState, extensions: readonly Extension[]): void {
  const { header } = state;
  const directory = bitmapsOf(state.image, header, extensions);
  const dropped = !directory && extensions.some(({ type }) => type === ExtensionType.bitmaps);
  if (dropped) state.settings.onWarning?.(`${UNAWARE}; ${LEAKS}`);
  const bitmaps = new ImageBitmaps(state, directory?.bitmaps ?? []);
  const unknown = header.autoclear & ~KNOWN_AUTOCLEAR;
  if ((unknown !== 0n || dropped) && state.header === header) {
    state.updateHeader({ autoclear: header.autoclear & KNOWN_AUTOCLEAR });
  }
  state.bitmaps = bitmaps;
  state.onGuestWrite = (at, length) => bitmaps.record(at, length);
  state.atClose.push(() => bitmaps.store());
}
