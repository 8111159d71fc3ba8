/** What the registry, the page and the command know of VHD without loading its code. */
import type { FormatSpec } from '../../image/format.ts';

export const vpc: FormatSpec = {
  name: 'vpc',
  label: 'VHD',
  usedBy: 'Hyper-V, Azure, QEMU',
  about: 'The older disk of Microsoft virtual machines, at most 2040 GiB.',
  ending: 'vhd',
  load: () => import('./driver.ts').then((module) => module.vpcDriver),
};
