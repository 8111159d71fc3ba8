/** What the registry, the page and the command know of VMDK without loading its code. */
import type { FormatSpec } from '../../image/format.ts';

export const vmdk: FormatSpec = {
  name: 'vmdk',
  label: 'VMDK',
  usedBy: 'VMware, VirtualBox, QEMU',
  about: 'The disk of VMware: one file, or a description of several.',
  ending: 'vmdk',
  load: () => import('./driver.ts').then((module) => module.vmdkDriver),
};
