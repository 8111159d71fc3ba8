/** What the registry, the page and the command know of Parallels without loading its code. */
import type { FormatSpec } from '../../image/format.ts';

export const parallels: FormatSpec = {
  name: 'parallels',
  label: 'Parallels',
  usedBy: 'Parallels Desktop, QEMU',
  about: 'The expanding disk of Parallels Desktop.',
  ending: 'hdd',
  load: () => import('./driver.ts').then((module) => module.parallelsDriver),
};
