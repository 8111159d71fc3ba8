/** What the registry, the page and the command know of LUKS without loading its code. */
import type { FormatSpec } from '../../image/format.ts';

export const luks: FormatSpec = {
  name: 'luks',
  label: 'LUKS',
  usedBy: 'Linux, QEMU',
  about: 'An encrypted raw disk.',
  ending: 'luks',
  load: () => import('./driver.ts').then((module) => module.luksDriver),
};
