/** What the new file is called, unless the person calls it otherwise. */
import { findFormat } from '../../engine/formats/index.ts';
import { savedName } from '../../platform/browser/deliver/saved-name.ts';
import type { Change } from './protocol.ts';

function suffixOf(change: Change): string {
  switch (change.kind) {
    case 'repair':
      return 'repaired';
    case 'resize':
      return 'resized';
    case 'snapshot-create':
    case 'snapshot-apply':
    case 'snapshot-delete':
      return 'changed';
    case 'snapshot-extract':
      return change.snapshot.name || change.snapshot.id;
    case 'amend':
      return 'amended';
    case 'rebase':
      return 'rebased';
    case 'flatten':
      return 'flat';
    case 'compact':
      return 'compact';
  }
}

/** One word of a shell's command line as it stands. */
export function proposedName(image: string, change: Change): string {
  const dot = image.lastIndexOf('.');
  const [stem, old] = dot > 0 ? [image.slice(0, dot), image.slice(dot + 1)] : [image, ''];
  const format = 'format' in change ? change.format : undefined;
  const ending = format === undefined || old === format ? old : (findFormat(format)?.ending ?? format);
  const suffix = suffixOf(change)
    .replaceAll(/[^\w.-]+/g, '-')
    .slice(0, 60);
  const name = `${stem}-${suffix}`;
  return savedName(ending === '' ? name : `${name}.${ending}`) || 'image';
}
