/** Names another backing image in the header, or none. What the disk holds is the caller's business. */
import { encodeUtf8 } from '../../bytes/text.ts';
import { DiskwrightError } from '../../errors.ts';
import type { BackingReference } from '../../image/format.ts';
import { Autoclear } from './features.ts';
import { MAX_BACKING_NAME } from './limits.ts';
import type { ImageState } from './state.ts';

const MAX_FORMAT_NAME = 15;

function refuse(message: string): never {
  throw new DiskwrightError('invalid-option', `qcow2: ${message}.`, { option: 'backing_file' });
}

export function nameBacking(state: ImageState, backing: BackingReference | undefined): void {
  state.assertUsable();
  const name = backing && encodeUtf8(backing.name);
  const format = backing?.format === undefined ? undefined : encodeUtf8(backing.format);
  if (name && name.length > MAX_BACKING_NAME) {
    refuse(`the name of a backing image has at most ${MAX_BACKING_NAME} bytes, this one has ${name.length}`);
  }
  if (format && format.length > MAX_FORMAT_NAME) refuse(`the name of a format has at most ${MAX_FORMAT_NAME} bytes`);
  if (name && (state.header.autoclear & Autoclear.rawExternalData) !== 0n) {
    refuse('the data file alone is the disk (data_file_raw), so there can be no backing image');
  }
  // What was copied is on the disk before the image that it was copied from goes.
  state.flush();
  state.updateHeader({}, { backingName: name, backingFormat: format });
}
