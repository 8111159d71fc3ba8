/** What the registry, the page and the command know of DMG without loading its code. */
import type { FormatSpec } from '../../image/format.ts';

export const dmg: FormatSpec = {
  name: 'dmg',
  label: 'DMG',
  usedBy: 'macOS, QEMU',
  about: 'A compressed read-only disk image of macOS, known by its file name.',
  ending: 'dmg',
  load: () => import('./driver.ts').then((module) => module.dmgDriver),
};
