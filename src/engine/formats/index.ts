/** The registry: one line per format, in probing order, raw last (it takes anything). */
import type { FormatSpec } from '../image/format.ts';
import { qcow2 } from './qcow2/spec.ts';
import { raw } from './raw/spec.ts';

export const formats: readonly FormatSpec[] = [qcow2, raw];

export const findFormat = (name: string): FormatSpec | undefined => formats.find((format) => format.name === name);
