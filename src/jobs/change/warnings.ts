/** What a change costs, said before it is saved; and what is refused because it would cost too much unasked. */
import { formatBytes } from '../../engine/bytes/units.ts';
import { DiskwrightError } from '../../engine/errors.ts';
import type { ImageDescription } from '../../engine/image/description.ts';
import type { RepairReport } from '../../engine/image/report.ts';
import type { ChangeInPlace, Rewriting } from './change.ts';
import { bitmapsIn } from './new-image.ts';

const many = (count: number, one: string): string => `${count.toLocaleString('en')} ${one}${count === 1 ? '' : 's'}`;

const leftBehind = (count: number, what: string): string =>
  count === 1 ? `The ${what} is not in the new image.` : `The ${many(count, what)} are not in the new image.`;

function afterRepair({ again }: RepairReport): string[] {
  if (!again) return [];
  const left: string[] = [];
  if (again.corruptions > 0) left.push(many(again.corruptions, 'error'));
  if (again.leaks > 0) left.push(many(again.leaks, 'leaked cluster'));
  return left.length === 0
    ? []
    : [`After the repair there ${again.corruptions + again.leaks === 1 ? 'is' : 'are'} ${left.join(' and ')} left.`];
}

export function warningsInPlace(
  change: ChangeInPlace,
  before: ImageDescription | undefined,
  repair: RepairReport | undefined,
): string[] {
  switch (change.kind) {
    case 'repair':
      return repair ? afterRepair(repair) : [];
    case 'resize':
      if (before && change.size < before.virtualSize) {
        return [
          `What lies behind ${formatBytes(change.size)} on the disk is not in the new image: shrink file systems and partitions first.`,
        ];
      }
      return ['File systems and partitions inside keep their size: grow them afterwards.'];
    case 'snapshot-apply':
      return ['What was written since the snapshot was made is not on the disk of the new image.'];
    case 'snapshot-delete':
      return [`The new image does not have the snapshot "${change.snapshot.name}" any more.`];
    case 'rebase':
      if (change.mode === 'safe') return [];
      return ['Only the name changes: the disk shows something else if the backing image differs from the old one.'];
    default:
      return [];
  }
}

/** Throws where the result would not be what the person has, and they have not said so. */
export function refuseRewriting(change: Rewriting, format: string, description: ImageDescription): void {
  if (description.encrypted) {
    throw new DiskwrightError('unsupported', 'The image is encrypted, and the new one would not be.', {
      fix: 'Convert it, with the encryption that the new image is to have.',
    });
  }
  if (change.kind !== 'compact') return;
  if (format !== 'qcow2') {
    throw new DiskwrightError('unsupported', `Images of the format ${format} keep no clusters that could go.`);
  }
  if (description.specific?.data['data-file'] !== undefined) {
    throw new DiskwrightError('unsupported', "The guest's data is in a data file, so there is nothing to compact.");
  }
  const count = description.snapshots?.length ?? 0;
  if (count > 0 && !change.dropSnapshots) {
    throw new DiskwrightError(
      'invalid-option',
      `The image has ${many(count, 'snapshot')}, and compacting writes only the disk as it is now.`,
      { fix: 'Leave the snapshots out, or extract them first.' },
    );
  }
}

export function warningsOfRewriting(change: Rewriting, description: ImageDescription): string[] {
  const warnings: string[] = [];
  const { snapshots = [] } = description;
  const bitmaps = bitmapsIn(description).length;
  if (change.kind === 'snapshot-extract') warnings.push('The new image has no snapshots.');
  else if (snapshots.length > 0) warnings.push(leftBehind(snapshots.length, 'snapshot'));
  if (bitmaps > 0 && (change.kind !== 'compact' || change.bitmaps === 'drop')) {
    warnings.push(leftBehind(bitmaps, 'bitmap'));
  }
  if (change.kind === 'snapshot-extract') {
    const { id, name } = change.snapshot;
    const one = snapshots.find((snapshot) => snapshot.id === id && snapshot.name === name);
    if (one && one.vmStateSize > 0n) {
      warnings.push("The machine's memory that was saved with the snapshot is not in the new image.");
    }
  }
  return warnings;
}
