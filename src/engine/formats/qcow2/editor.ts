/** What changes qcow2 images: loaded when one is to be written or repaired. */
import type { FormatEditor } from '../../image/format.ts';
import { readBitmapSource } from './bitmaps/stored-bitmaps.ts';
import { repairImage } from './check/repair.ts';
import { openWritable } from './writable-image.ts';

export const qcow2Editor: FormatEditor = { openWritable, repair: repairImage, bitmaps: readBitmapSource };
