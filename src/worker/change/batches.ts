/**
 * Cuts the finished file into what leaves at once, in file order, and fetches what it is put together from: stretches
 * of chosen files as large slices, a few on their way at once.
 */
import type { OverlayDevice, OverlayPiece } from '../../engine/device/overlay.ts';
import type { BytesSource } from '../../engine/device/references.ts';
import type { Chain } from '../../engine/image/access.ts';
import { PrefetchedFile, type Slice } from '../../platform/browser/prefetched-file.ts';
import { ReadAhead } from '../convert/read-ahead.ts';

/** Leaves at once. */
const BATCH = 4 * 1024 * 1024;
/** A gap in a file that is read rather than left out: its bytes cost less than another slice. */
const READ_GAP = 128 * 1024;
const LARGEST_SLICE = 8 * 1024 * 1024;

type Part = Exclude<OverlayPiece, { kind: 'zeros' | 'hole' }> | { kind: 'own'; at: number; length: number };

export interface Batch {
  readonly kind: 'bytes';
  readonly at: number;
  readonly length: number;
  readonly parts: readonly Part[];
}

/** Zeros that are to take their space, or a hole. */
export interface Empty {
  readonly kind: 'zeros' | 'hole';
  readonly at: number;
  readonly length: number;
}

/** All of the file in order and without gaps. */
export function* batchesOf(overlay: OverlayDevice): Generator<Batch | Empty, void> {
  let parts: Part[] = [];
  let at = 0;
  let length = 0;
  for (const piece of overlay.pieces()) {
    if (piece.kind === 'zeros' || piece.kind === 'hole') {
      if (length > 0) yield { kind: 'bytes', at, length, parts };
      yield { kind: piece.kind, at: piece.at, length: piece.length };
      parts = [];
      length = 0;
      continue;
    }
    for (let done = 0; done < piece.length; ) {
      if (length === 0) at = piece.at + done;
      const taken = Math.min(piece.length - done, BATCH - length);
      const from = piece.kind === 'reference' ? { from: piece.from + done } : {};
      parts.push({ ...piece, at: piece.at + done, length: taken, ...from });
      length += taken;
      done += taken;
      if (length < BATCH) continue;
      yield { kind: 'bytes', at, length, parts };
      parts = [];
      length = 0;
    }
  }
  if (length > 0) yield { kind: 'bytes', at, length, parts };
}

interface Wanted {
  readonly file: PrefetchedFile;
  readonly at: number;
  end: number;
}

/** Stretches of files that a batch needs, near ones joined. */
function wantedBy(parts: readonly Part[]): Wanted[] {
  const all: Wanted[] = [];
  for (const part of parts) {
    if (part.kind !== 'reference' || !(part.source instanceof PrefetchedFile)) continue;
    const end = Math.min(part.from + part.length, part.source.size);
    if (end > part.from) all.push({ file: part.source, at: part.from, end });
  }
  all.sort((a, b) => a.at - b.at);
  const joined: Wanted[] = [];
  for (const one of all) {
    const near = joined.findLast(({ file }) => file === one.file);
    if (near && one.at - near.end <= READ_GAP && Math.max(near.end, one.end) - near.at <= LARGEST_SLICE) {
      near.end = Math.max(near.end, one.end);
    } else joined.push({ ...one });
  }
  return joined;
}

const isDisk = (source: BytesSource): source is BytesSource & { readonly chain: Chain } => 'chain' in source;

export class BatchLoader {
  readonly #overlay: OverlayDevice;
  readonly #fetched = new Map<Batch, { readonly file: PrefetchedFile; readonly slice: Slice }[]>();
  readonly #disks = new Map<BytesSource, ReadAhead>();
  readonly #buffer = new Uint8Array(BATCH);

  constructor(overlay: OverlayDevice) {
    this.#overlay = overlay;
  }

  /** Begins to fetch what the batch needs. */
  begin(batch: Batch): void {
    const slices = wantedBy(batch.parts).map(({ file, at, end }) => ({ file, slice: file.fetch(at, end - at) }));
    this.#fetched.set(batch, slices);
  }

  /** The bytes of a batch that was begun; valid until the next call. */
  async bytes(batch: Batch): Promise<Uint8Array> {
    const slices = this.#fetched.get(batch) ?? [];
    try {
      for (const { slice } of slices) await slice.loaded;
      const into = this.#buffer.subarray(0, batch.length);
      for (const part of batch.parts) {
        const bytes = into.subarray(part.at - batch.at, part.at - batch.at + part.length);
        if (part.kind !== 'reference') {
          this.#overlay.read(part.at, bytes);
          continue;
        }
        const coming = this.#aheadOf(part.source)?.need(part.from, part.length);
        if (coming) await coming;
        part.source.read(part.from, bytes);
      }
      return into;
    } finally {
      this.#release(batch);
    }
  }

  close(): void {
    for (const batch of [...this.#fetched.keys()]) this.#release(batch);
    for (const ahead of this.#disks.values()) ahead.close();
  }

  #release(batch: Batch): void {
    for (const { file, slice } of this.#fetched.get(batch) ?? []) file.release(slice);
    this.#fetched.delete(batch);
  }

  #aheadOf(source: BytesSource): ReadAhead | undefined {
    if (!isDisk(source)) return undefined;
    const known = this.#disks.get(source);
    if (known) return known;
    const ahead = new ReadAhead([{ chain: source.chain, clusterSizes: [] }]);
    this.#disks.set(source, ahead);
    return ahead;
  }
}
