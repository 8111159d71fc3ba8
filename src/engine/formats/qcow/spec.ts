/** What the registry, the page and the command know of qcow (version 1) without loading its code. */
import type { FormatSpec } from '../../image/format.ts';

export const qcow: FormatSpec = {
  name: 'qcow',
  label: 'qcow (version 1)',
  usedBy: 'QEMU only',
  about: 'The predecessor of qcow2, kept for old images.',
  ending: 'qcow',
  load: () => import('./driver.ts').then((module) => module.qcowDriver),
};
