/**
 * What every writable image promises, whatever its format: after writes, zeroes and discards at every edge its disk
 * holds what a plain array of bytes would, its own structures are clean, and closing and opening changes nothing.
 */
import type { MemoryDevice } from '../../engine/device/memory.ts';
import { type Chain, readGuest } from '../../engine/image/access.ts';
import type { WritableImage } from '../../engine/image/writable.ts';
import { Random } from '../random.ts';
import { diskDifference } from './disk-difference.ts';
import { applyToImage, applyToModel, type DiskOperation, qemuIoCommand } from './operations.ts';

/** An image open for writing, with what the guest sees of it. */
export interface OpenSubject {
  readonly image: WritableImage;
  /** The image and what it rests on. */
  readonly chain: Chain;
  /** What the disk holds. */
  readonly model: MemoryDevice;
  /** What is wrong with the image's own structures, after `flush`. */
  problems(): readonly string[];
  /** Closes and opens again; the model stays. */
  reopened(): OpenSubject;
}

export interface WritableSubject {
  readonly name: string;
  readonly clusterSize: number;
  /** Discards give up whole units of this many bytes; 0: they change nothing. */
  readonly discardUnit: number;
  /** Guest offsets at which something in the file begins anew. */
  readonly edges: readonly number[];
  readonly lengths: readonly number[];
  open(): OpenSubject;
}

/** Operations between two checks of the structures. */
const BATCH = 25;

/** Every edge, one byte before and behind it, times every length, times every kind of change. */
export function gridOf({ edges, lengths }: WritableSubject, size: number): DiskOperation[] {
  const grid: DiskOperation[] = [];
  const places = new Set(edges.flatMap((edge) => [edge - 1, edge, edge + 1]));
  for (const at of places) {
    if (at < 0 || at >= size) continue;
    for (const wanted of lengths) {
      const length = Math.min(wanted, size - at);
      const pattern = 1 + (grid.length % 255);
      grid.push({ kind: 'write', at, length, pattern });
      grid.push({ kind: 'zero', at, length, unmap: false });
      grid.push({ kind: 'zero', at, length, unmap: true });
      grid.push({ kind: 'discard', at, length });
    }
  }
  return grid;
}

/** Applies operations one by one and says the first thing that is wrong; undefined if nothing is. */
export function firstFault(
  subject: WritableSubject,
  operations: readonly DiskOperation[],
  finish: (open: OpenSubject) => void = () => {},
): string | undefined {
  let open = subject.open();
  const size = open.image.virtualSize;
  const traits = { size, discardUnit: subject.discardUnit };
  const margin = 2 * subject.clusterSize;
  for (const [i, operation] of operations.entries()) {
    const step = `step ${i} of ${operations.length}, ${qemuIoCommand(operation)}`;
    try {
      applyToImage(open.image, operation);
    } catch (thrown) {
      return `${step}: ${thrown instanceof Error ? (thrown.stack ?? thrown.message) : thrown}`;
    }
    applyToModel(open.model, operation, traits);
    const from = Math.max(0, operation.at - margin);
    const to = Math.min(size, operation.at + operation.length + margin);
    const wrong = diskDifference(open.chain, open.model, from, to - from);
    if (wrong >= 0) return `${step}: byte ${wrong} of the disk is wrong`;
    if (i % BATCH !== BATCH - 1 && i !== operations.length - 1) continue;
    open.image.flush();
    const problems = open.problems();
    if (problems.length > 0) return `after ${step}: ${problems.slice(0, 5).join('; ')}`;
    if (Math.floor(i / BATCH) % 3 === 2) open = open.reopened();
  }
  open = open.reopened();
  const wrong = diskDifference(open.chain, open.model, 0, size);
  if (wrong >= 0) return `at the end: byte ${wrong} of the disk is wrong`;
  const problems = open.problems();
  if (problems.length > 0) return `at the end: ${problems.slice(0, 5).join('; ')}`;
  const tail = new Uint8Array(1);
  if (size > 0) readGuest(open.chain, size - 1, tail);
  open.image.close();
  finish(open);
  return undefined;
}

/** The grid in a random order, at most `most` of it: each operation meets what others have left. */
export function shuffledGrid(subject: WritableSubject, size: number, seed: number, most: number): DiskOperation[] {
  return new Random(seed).shuffled(gridOf(subject, size)).slice(0, most);
}
