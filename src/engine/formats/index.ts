/** The registry: one line per format, in probing order, raw last (it takes anything). */
import type { FormatSpec } from '../image/format.ts';
import { bochs } from './bochs/spec.ts';
import { cloop } from './cloop/spec.ts';
import { dmg } from './dmg/spec.ts';
import { luks } from './luks/spec.ts';
import { parallels } from './parallels/spec.ts';
import { qcow } from './qcow/spec.ts';
import { qcow2 } from './qcow2/spec.ts';
import { qed } from './qed/spec.ts';
import { raw } from './raw/spec.ts';
import { vdi } from './vdi/spec.ts';
import { vhdx } from './vhdx/spec.ts';
import { vmdk } from './vmdk/spec.ts';
import { vpc } from './vpc/spec.ts';

/** A file that fits two formats (VDI has its magic at byte 64) counts as what QEMU takes it for. */
export const formats: readonly FormatSpec[] = [
  qcow2,
  qed,
  parallels,
  vdi,
  vmdk,
  vpc,
  vhdx,
  qcow,
  luks,
  bochs,
  cloop,
  dmg,
  raw,
];

/** The format with this name in qemu-img, if it is known here. */
export const findFormat = (name: string): FormatSpec | undefined => formats.find((format) => format.name === name);
