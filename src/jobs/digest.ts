/**
 * Digests of a finished file, computed from its layout.
 *
 * The **layout digest** is cheap for any length because it depends on what is not zero alone. It is a
 * SHA-256 over these bytes:
 *
 *     the ASCII line "diskwright layout 1\n"
 *     the file's length, u64 big-endian
 *     for each run:  its offset, u64be · its length, u64be · its bytes
 *
 * Cut the file at multiples of 4096 from offset 0 (the last block may be short). A run is a maximal
 * series of neighbouring blocks none of which is all zero; one that is longer than 1 MiB counts as
 * several, each 1 MiB but the last. So the digest is defined by content, not by how or where the
 * file was stored: any copy of it gives the same. It is never to be called the SHA-256 of the file.
 */
import { putU64 } from '../engine/bytes/u64.ts';
import type { FileLayout } from '../engine/image/layout.ts';
import { emitLayout } from './create.ts';
import { inFileOrder } from './in-file-order.ts';
import { Sha256 } from './sha256.ts';
import type { Operation } from './step.ts';

const BLOCK = 4096;
const RUN_LIMIT = 1024 * 1024;
const TITLE = 'diskwright layout 1\n';
/** Zeros hashed between two progress reports. */
const ZERO_STRETCH = 1024 * 1024;

/** SHA-256 in steps; a host may have a faster one than ours. */
export interface Hash {
  update(bytes: Uint8Array): unknown;
  /** Hex. */
  finish(): string;
}

/** Takes the bytes of a file in rising order; what is never given counts as zeros. */
export class LayoutDigest {
  readonly #hash: Hash;
  readonly #length: number;
  readonly #block = new Uint8Array(BLOCK);
  readonly #words = new Int32Array(this.#block.buffer);
  #blockAt = 0;
  readonly #run = new Uint8Array(RUN_LIMIT);
  #runAt = 0;
  #runLength = 0;

  constructor(length: number, hash: Hash = new Sha256()) {
    this.#length = length;
    this.#hash = hash;
    const head = new Uint8Array(TITLE.length + 8);
    for (let i = 0; i < TITLE.length; i++) head[i] = TITLE.charCodeAt(i);
    putU64(new DataView(head.buffer), TITLE.length, length);
    this.#hash.update(head);
  }

  /** `at` must not lie before the end of an earlier call. */
  update(at: number, bytes: Uint8Array): void {
    for (let from = 0; from < bytes.length; ) {
      const position = at + from;
      const blockAt = position - (position % BLOCK);
      if (blockAt !== this.#blockAt) this.#closeBlock(blockAt);
      const inBlock = position - blockAt;
      const part = bytes.subarray(from, from + BLOCK - inBlock);
      this.#block.set(part, inBlock);
      from += part.length;
    }
  }

  /** Hex. */
  finish(): string {
    this.#closeBlock(this.#length);
    this.#closeRun();
    return this.#hash.finish();
  }

  /** Adds the current block to the run unless it is all zero; the next one begins at `nextAt`, empty. */
  #closeBlock(nextAt: number): void {
    if (this.#holdsData()) {
      if (this.#runAt + this.#runLength !== this.#blockAt || this.#runLength === RUN_LIMIT) {
        this.#closeRun();
        this.#runAt = this.#blockAt;
      }
      const bytes = this.#block.subarray(0, Math.min(BLOCK, this.#length - this.#blockAt));
      this.#run.set(bytes, this.#runLength);
      this.#runLength += bytes.length;
      this.#block.fill(0);
    }
    this.#blockAt = nextAt;
  }

  #holdsData(): boolean {
    for (const word of this.#words) if (word !== 0) return true;
    return false;
  }

  #closeRun(): void {
    if (this.#runLength === 0) return;
    const head = new Uint8Array(16);
    const view = new DataView(head.buffer);
    putU64(view, 0, this.#runAt);
    putU64(view, 8, this.#runLength);
    this.#hash.update(head);
    this.#hash.update(this.#run.subarray(0, this.#runLength));
    this.#runLength = 0;
  }
}

/** Digests of a file, in hex. */
export interface Digests {
  readonly layoutDigest: string;
  /** SHA-256 of the whole file, if it was asked for. */
  readonly sha256?: string;
}

/** Yields progress alone. With `wholeFile` every byte is hashed, zeros too; else only what is written. */
export function* digestLayout(layout: FileLayout, wholeFile: boolean): Operation<Digests> {
  const digest = new LayoutDigest(layout.length);
  if (!wholeFile) {
    for (const step of emitLayout(layout)) {
      if (step.kind === 'emit') digest.update(step.at, step.bytes);
      else if (step.kind === 'progress') yield step;
    }
    return { layoutDigest: digest.finish() };
  }
  const file = new Sha256();
  const total = layout.length;
  let done = 0;
  for (const step of inFileOrder(emitLayout(layout), layout.length)) {
    if (step.kind === 'emit') {
      digest.update(step.at, step.bytes);
      file.update(step.bytes);
      done += step.bytes.length;
      yield { kind: 'progress', done, total };
    } else if (step.kind === 'zeros') {
      for (let left = step.length; left > 0; left -= ZERO_STRETCH) {
        const stretch = Math.min(ZERO_STRETCH, left);
        file.zeros(stretch);
        done += stretch;
        yield { kind: 'progress', done, total };
      }
    }
  }
  return { layoutDigest: digest.finish(), sha256: file.finish() };
}
