/** What changes whole-file LUKS volumes; loaded apart from making and reading them. */
import type { FormatEditor } from '../../image/format.ts';
import { openWritableLuks } from './writable-image.ts';

export const luksEditor: FormatEditor = { openWritable: openWritableLuks };
