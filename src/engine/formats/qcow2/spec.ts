/** What the registry, the page and the command know of qcow2 without loading its code. */
import type { FormatSpec } from '../../image/format.ts';
import { luksKeyOptions } from '../../options/luks.ts';
import { qcow2Options } from './options.ts';

export const qcow2: FormatSpec = {
  name: 'qcow2',
  label: 'qcow2',
  usedBy: 'QEMU, UTM, libvirt',
  about: 'Grows on demand and can hold snapshots, compression and encryption.',
  ending: 'qcow2',
  options: qcow2Options,
  keyOptions: luksKeyOptions('encrypt.'),
  load: () => import('./driver.ts').then((module) => module.qcow2Driver),
};
