/** What the registry, the page and the command know of cloop without loading its code. */
import type { FormatSpec } from '../../image/format.ts';

export const cloop: FormatSpec = {
  name: 'cloop',
  label: 'cloop',
  usedBy: 'Knoppix, QEMU',
  about: 'A compressed read-only disk of old live systems.',
  ending: 'cloop',
  load: () => import('./driver.ts').then((module) => module.cloopDriver),
};
