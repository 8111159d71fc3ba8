/** The backing file that a qcow2 header names, and the format stored beside it. */
import { roundUp } from '../../bytes/math.ts';
import { decodeUtf8 } from '../../bytes/text.ts';
import type { ReadableDevice } from '../../device/device.ts';
import { DiskwrightError } from '../../errors.ts';
import type { BackingReference } from '../../image/format.ts';
import { readBytes } from '../../image/recognise.ts';
import { ExtensionType, extensionHead, headerV2, headerV3 } from './header.ts';

const END = 0;
/** Format names are at most 15 bytes. */
const MAX_FORMAT_NAME = 15;

function formatName(device: ReadableDevice, from: number, limit: number): string | undefined {
  for (let at = from; at < limit; ) {
    if (at + extensionHead.size > limit) throw tooLong(at);
    const { type, length } = extensionHead.read(readBytes(device, at, extensionHead.size));
    const data = at + extensionHead.size;
    if (type === END) return undefined;
    if (data + length > limit) throw tooLong(at);
    if (type === ExtensionType.backingFormat) {
      if (length > MAX_FORMAT_NAME) throw tooLong(at);
      return decodeUtf8(readBytes(device, data, length));
    }
    at = data + roundUp(length, 8);
  }
  return undefined;
}

const tooLong = (at: number): DiskwrightError =>
  new DiskwrightError('corrupt', `qcow2 header extension at ${at}: it is longer than its place.`);

/** Expects a header that `virtualSizeOf` accepts. */
export function backingOf(device: ReadableDevice): BackingReference | undefined {
  const header = headerV2.read(readBytes(device, 0, headerV2.size));
  const { backingFileOffset, backingFileSize, version } = header;
  if (backingFileOffset === 0) return undefined;
  const from = version === 2 ? headerV2.size : headerV3.get('headerLength', readBytes(device, 0, headerV3.size));
  const format = formatName(device, from, backingFileOffset);
  const name = decodeUtf8(readBytes(device, backingFileOffset, backingFileSize));
  return format === undefined ? { name } : { name, format };
}
