/** What the registry, the page and the command know of LUKS without loading its code. */
import type { FormatSpec } from '../../image/format.ts';
import { luksKeyOptions } from '../../options/luks.ts';
import { luksFileOptions } from './options.ts';

export const luks: FormatSpec = {
  name: 'luks',
  label: 'LUKS',
  usedBy: 'Linux, QEMU, libvirt',
  about: 'A raw disk, encrypted whole behind a header with up to eight passphrases.',
  ending: 'luks',
  options: luksFileOptions,
  keyOptions: luksKeyOptions(''),
  load: () => import('./driver.ts').then((module) => module.luksDriver),
};
