/**
 * Block devices as targets: their size is fixed, their space is taken already, and the attributes of files
 * do not exist there. All of it is found out before the device is opened for writing.
 */
import { constants, openSync, statSync } from 'node:fs';
import { DiskwrightError } from '../../engine/errors.ts';
import { type FileLayout, type Piece, pieceLayout } from '../../engine/image/layout.ts';
import { NodeReadDevice } from './file-device.ts';
import { onHost } from './host-error.ts';
import { locate, plainPath } from './image-name.ts';
import type { TargetPlan } from './target.ts';

export function isBlockDevice(name: string, cwd: string): boolean {
  try {
    return statSync(locate(cwd, plainPath(name))).isBlockDevice();
  } catch {
    // Why it cannot be looked at is told when it is to be written.
    return false;
  }
}

function sizeOf(plan: TargetPlan): number {
  const fd = onHost(plan.name, 'open it', () => openSync(plan.path, constants.O_RDONLY));
  const device = new NodeReadDevice(fd, plan.name);
  device.close();
  return device.size;
}

const asHole = (piece: Piece): Piece => (piece.content === 'zeros' ? { ...piece, content: 'hole' } : piece);

function* withoutZeros(layout: FileLayout): Generator<Piece> {
  for (const piece of layout.pieces()) yield asHole(piece);
}

function takesSpace(layout: FileLayout): boolean {
  for (const piece of layout.pieces()) if (piece.content === 'zeros') return true;
  return false;
}

/**
 * The layout as it goes to the device, or the refusal. As in QEMU 7.2, an image cannot preallocate on a
 * device, and a data file that would is left as it is.
 */
export function layoutForDevice(plan: TargetPlan, layout: FileLayout, role: 'image' | 'data file'): FileLayout {
  const size = sizeOf(plan);
  if (size < layout.length) {
    throw new DiskwrightError('no-space', `${plan.name}: the device has ${size} bytes, ${layout.length} are needed`);
  }
  if (!takesSpace(layout)) return layout;
  if (role === 'image') {
    throw new DiskwrightError('unsupported', `${plan.name}: a block device cannot preallocate: its space is taken`, {
      option: 'preallocation',
      fix: 'Leave preallocation off, or use metadata.',
    });
  }
  return pieceLayout(layout.length, () => withoutZeros(layout), layout.fill);
}
