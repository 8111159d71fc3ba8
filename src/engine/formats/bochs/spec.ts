/** What the registry, the page and the command know of Bochs without loading its code. */
import type { FormatSpec } from '../../image/format.ts';

export const bochs: FormatSpec = {
  name: 'bochs',
  label: 'Bochs',
  usedBy: 'Bochs, QEMU',
  about: 'A growing disk of the Bochs emulator.',
  ending: 'img',
  load: () => import('./driver.ts').then((module) => module.bochsDriver),
};
