/**
 * Compares what a layout writes with a file of the oracle, byte for byte, at a cost that follows the data
 * and not the length: a TiB of holes takes no time.
 *
 * Why this covers every byte: what the layout emits is compared with the file as it reads there; the rest
 * of the layout is zeros, and so must be every stretch for which the file system holds data and which the
 * layout did not emit. What is left is a hole in both.
 */
import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { FileLayout } from '../../engine/image/layout.ts';
import { emitLayout } from '../../jobs/create.ts';
import { type DataRun, dataRuns } from './qemu-tools.ts';

const CHUNK = 1024 * 1024;
const ZEROS = new Uint8Array(CHUNK);
/** Shorter files are read whole: cheaper than asking for holes. */
const SMALL = 4 * CHUNK;

/** Fills `into` from the file; false if the file ends before. */
function readAt(fd: number, at: number, into: Uint8Array): boolean {
  for (let done = 0; done < into.length; ) {
    const got = readSync(fd, into, done, into.length - done, at + done);
    if (got === 0) return false;
    done += got;
  }
  return true;
}

function firstDifference(ours: Uint8Array, theirs: Uint8Array): number {
  for (let i = 0; i < ours.length; i++) if (ours[i] !== theirs[i]) return i;
  return -1;
}

const byteText = (value: number | undefined): string => `0x${(value ?? 0).toString(16).padStart(2, '0')}`;

class Comparison {
  readonly #fd: number;
  readonly #theirs = Buffer.alloc(CHUNK);

  constructor(fd: number) {
    this.#fd = fd;
  }

  bytes(at: number, ours: Uint8Array): string | undefined {
    for (let from = 0; from < ours.length; from += CHUNK) {
      const mine = ours.subarray(from, Math.min(from + CHUNK, ours.length));
      const theirs = this.#theirs.subarray(0, mine.length);
      if (!readAt(this.#fd, at + from, theirs)) return `the oracle's file ends within ${at + from}+${mine.length}`;
      if (theirs.equals(mine)) continue;
      const where = firstDifference(mine, theirs);
      return `byte ${at + from + where}: ours ${byteText(mine[where])}, oracle ${byteText(theirs[where])}`;
    }
    return undefined;
  }

  zeros(from: number, to: number): string | undefined {
    for (let at = from; at < to; at += CHUNK) {
      const difference = this.bytes(at, ZEROS.subarray(0, Math.min(CHUNK, to - at)));
      if (difference) return difference;
    }
    return undefined;
  }
}

/** The stretches of `runs`, in order, in [from, to); `runs` before `to` are consumed. */
function* dataWithin(runs: DataRun[], from: number, to: number): Generator<[number, number]> {
  for (let run = runs[0]; run && run.at < to; run = runs[0]) {
    const end = run.at + run.length;
    if (end > from) yield [Math.max(run.at, from), Math.min(end, to)];
    if (end > to) return;
    runs.shift();
  }
}

/** The first difference in words, or undefined if the file is exactly what the layout makes. */
export function differenceFromFile(layout: FileLayout, path: string): string | undefined {
  const fd = openSync(path, 'r');
  try {
    const { size } = fstatSync(fd);
    if (size !== layout.length) return `length: ours ${layout.length}, oracle ${size}`;
    const runs = size <= SMALL ? [{ at: 0, length: size }] : [...dataRuns(path)];
    const comparison = new Comparison(fd);
    let done = 0;
    const skipTo = (to: number): string | undefined => {
      for (const [start, end] of dataWithin(runs, done, to)) {
        const difference = comparison.zeros(start, end);
        if (difference) return difference;
      }
      return undefined;
    };
    for (const step of emitLayout(layout)) {
      if (step.kind !== 'emit') continue;
      if (step.at < done) return `the layout emits ${step.at} after ${done}: not in file order`;
      if (step.at + step.bytes.length > size) return `the layout emits beyond its length, at ${step.at}`;
      const difference = skipTo(step.at) ?? comparison.bytes(step.at, step.bytes);
      if (difference) return difference;
      done = step.at + step.bytes.length;
    }
    return skipTo(size);
  } finally {
    closeSync(fd);
  }
}

/** SHA-256 of the whole file that the layout makes, holes as zeros. */
export function sha256OfLayout(layout: FileLayout): string {
  const hash = createHash('sha256');
  let done = 0;
  const zerosTo = (end: number): void => {
    for (; done < end; done += Math.min(CHUNK, end - done)) hash.update(ZEROS.subarray(0, Math.min(CHUNK, end - done)));
  };
  for (const step of emitLayout(layout)) {
    if (step.kind !== 'emit') continue;
    zerosTo(step.at);
    hash.update(step.bytes);
    done += step.bytes.length;
  }
  zerosTo(layout.length);
  return hash.digest('hex');
}

/** SHA-256 of a file, read in pieces. */
export function sha256OfFile(path: string): string {
  const hash = createHash('sha256');
  const fd = openSync(path, 'r');
  try {
    const buffer = Buffer.alloc(CHUNK);
    for (;;) {
      const got = readSync(fd, buffer, 0, buffer.length, null);
      if (got === 0) return hash.digest('hex');
      hash.update(buffer.subarray(0, got));
    }
  } finally {
    closeSync(fd);
  }
}
