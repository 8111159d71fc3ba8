/** Changes of the LUKS header of an image: key slots that come and go. */
import { assert } from '../../../errors.ts';
import type { LuksPatch } from '../../../image/writable.ts';
import type { ImageState } from '../state.ts';

export function writeLuks(state: ImageState, patches: readonly LuksPatch[]): void {
  state.assertUsable();
  const place = state.contents.crypto;
  assert(place !== undefined, 'only an image with a LUKS header has keys to change');
  for (const { at, bytes } of patches) {
    assert(at >= 0 && at + bytes.length <= place.length, 'a change of the LUKS header stays inside it');
    state.guard(place.offset + at, bytes.length);
    state.image.write(place.offset + at, bytes);
    state.image.flush();
  }
}
