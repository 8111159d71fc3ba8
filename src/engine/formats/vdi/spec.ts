/** What the registry, the page and the command know of VDI without loading its code. */
import type { FormatSpec } from '../../image/format.ts';

export const vdi: FormatSpec = {
  name: 'vdi',
  label: 'VDI',
  usedBy: 'VirtualBox, QEMU',
  about: 'The native disk of VirtualBox.',
  ending: 'vdi',
  load: () => import('./driver.ts').then((module) => module.vdiDriver),
};
