/**
 * Changes of a disk as data: applied to an image, to a plain model of its bytes, and printed as the command that
 * qemu-io takes for it.
 */
import { MAX_TRANSFER, type WritableDevice } from '../../engine/device/device.ts';
import type { WritableImage } from '../../engine/image/writable.ts';
import type { Random } from '../random.ts';
import { writePacked } from './pack.ts';

export type DiskOperation =
  | { readonly kind: 'write'; readonly at: number; readonly length: number; readonly pattern: number }
  | { readonly kind: 'zero'; readonly at: number; readonly length: number; readonly unmap: boolean }
  | { readonly kind: 'discard'; readonly at: number; readonly length: number }
  | { readonly kind: 'compressed'; readonly at: number; readonly length: number; readonly pattern: number };

/** What decides how an operation changes the bytes. */
export interface DiskTraits {
  readonly size: number;
  /** Discards give up whole units of this many bytes; 0: nothing. */
  readonly discardUnit: number;
}

/** The bytes that a patterned write brings. */
function bytesOf(operation: { readonly length: number; readonly pattern: number }): Uint8Array {
  return new Uint8Array(operation.length).fill(operation.pattern);
}

export function applyToImage(image: WritableImage, operation: DiskOperation): void {
  const { at, length } = operation;
  switch (operation.kind) {
    case 'write':
      image.write(at, bytesOf(operation));
      return;
    case 'zero':
      image.zero(at, length, operation.unmap);
      return;
    case 'discard':
      image.discard(at, length);
      return;
    case 'compressed':
      writePacked(image, at, bytesOf(operation));
  }
}

/** The part of a discard that is given up. A last unit that the disk's end cuts counts as whole. */
export function discardedPart({ size, discardUnit }: DiskTraits, at: number, length: number): [number, number] {
  if (discardUnit === 0) return [at, at];
  const from = Math.ceil(at / discardUnit) * discardUnit;
  const to = at + length === size ? size : Math.floor((at + length) / discardUnit) * discardUnit;
  return from < to ? [from, to] : [at, at];
}

/** `model`: a sparse device that holds what the guest sees. */
export function applyToModel(model: WritableDevice, operation: DiskOperation, traits: DiskTraits): void {
  const { at, length } = operation;
  if (operation.kind === 'zero') model.zero(at, length);
  else if (operation.kind === 'discard') {
    const [from, to] = discardedPart(traits, at, length);
    model.zero(from, to - from);
  } else model.write(at, bytesOf(operation));
}

export function qemuIoCommand(operation: DiskOperation): string {
  const place = `${operation.at} ${operation.length}`;
  switch (operation.kind) {
    case 'write':
      return `write -P ${operation.pattern} ${place}`;
    case 'zero':
      return `write -z ${operation.unmap ? '-u ' : ''}${place}`;
    case 'discard':
      return `discard ${place}`;
    case 'compressed':
      return `write -c -P ${operation.pattern} ${place}`;
  }
}

/** Where operations of a random sequence go. */
export interface DrawOptions {
  readonly size: number;
  readonly clusterSize: number;
  /** Offsets that matter; operations begin and end close to them more often. */
  readonly edges: readonly number[];
  /** Kinds with how often each. */
  readonly weights: Readonly<Partial<Record<DiskOperation['kind'], number>>>;
  /** Most bytes of one operation, at most 8 MiB. */
  readonly most?: number;
}

/** A random operation inside the disk. */
export function drawOperation(random: Random, options: DrawOptions): DiskOperation {
  const { size, clusterSize, weights, edges } = options;
  const most = Math.min(options.most ?? MAX_TRANSFER, MAX_TRANSFER, size);
  const kinds = Object.entries(weights).flatMap(([kind, weight]) => Array<string>(weight).fill(kind));
  const kind = random.pick(kinds) as DiskOperation['kind'];
  let at: number;
  if (random.once(3)) at = random.pick(edges) + random.between(-2, 2);
  else if (random.once(2)) at = random.below(Math.ceil(size / clusterSize)) * clusterSize;
  else at = random.below(Math.ceil(size / 512)) * 512;
  at = Math.max(0, Math.min(at, size - 1));
  const lengths = [1, 512, 4096, clusterSize / 2, clusterSize - 1, clusterSize, clusterSize + 1, 3 * clusterSize];
  let length = random.once(2) ? random.pick(lengths) : random.between(1, Math.min(most, 6 * clusterSize));
  length = Math.max(1, Math.min(length, most, size - at));
  const pattern = random.between(1, 255);
  if (kind === 'compressed') {
    const start = Math.floor(at / clusterSize) * clusterSize;
    return { kind, at: start, length: Math.min(clusterSize, size - start), pattern };
  }
  if (kind === 'write') return { kind, at, length, pattern };
  if (kind === 'zero') return { kind, at, length, unmap: random.once(2) };
  return { kind, at, length };
}
