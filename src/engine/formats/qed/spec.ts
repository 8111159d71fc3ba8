/** What the registry, the page and the command know of qed without loading its code. */
import type { FormatSpec } from '../../image/format.ts';

export const qed: FormatSpec = {
  name: 'qed',
  label: 'qed',
  usedBy: 'QEMU only',
  about: 'A retired QEMU format; its images are converted to qcow2.',
  ending: 'qed',
  load: () => import('./driver.ts').then((module) => module.qedDriver),
};
