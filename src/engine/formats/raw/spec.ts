/** What the registry, the page and the command know of raw without loading its code. */
import type { FormatSpec } from '../../image/format.ts';
import { rawOptions } from './options.ts';

export const raw: FormatSpec = {
  name: 'raw',
  label: 'raw',
  usedBy: 'Any tool',
  about: 'The bytes of the disk and nothing else: as long as the disk, no snapshots.',
  ending: 'img',
  options: rawOptions,
  load: () => import('./driver.ts').then((module) => module.rawDriver),
};
