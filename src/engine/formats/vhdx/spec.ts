/** What the registry, the page and the command know of VHDX without loading its code. */
import type { FormatSpec } from '../../image/format.ts';

export const vhdx: FormatSpec = {
  name: 'vhdx',
  label: 'VHDX',
  usedBy: 'Hyper-V, QEMU',
  about: 'The current disk of Hyper-V, at most 64 TiB.',
  ending: 'vhdx',
  load: () => import('./driver.ts').then((module) => module.vhdxDriver),
};
