/** Copies a stretch of a disk into another image, block by block, zeros included: `qemu-img dd`. */
import { MAX_TRANSFER } from '../engine/device/device.ts';
import { type Chain, readGuest } from '../engine/image/access.ts';
import type { Steps, WritableImage } from '../engine/image/writable.ts';

/** Blocks are gathered up to this where nothing depends on them, and never larger than the next. */
const GATHERED = 1024 * 1024;
const LARGEST = 256 * 1024 * 1024;

/** What is to be copied, in blocks. */
export interface CopyRequest {
  readonly source: Chain;
  /** Copied are the bytes [from, to) of the source, to the beginning of the target. */
  readonly from: number;
  readonly to: number;
  /** Bytes of one request. Where a cluster of the target lands may depend on it. */
  readonly block: number;
  readonly target: WritableImage;
  /** Absent: the target has no clusters. */
  readonly targetCluster?: number | undefined;
}

/** Blocks that share a cluster are written together: the first of them would place it anyway. */
function pieceAt(at: number, { block, targetCluster }: CopyRequest): number {
  if (targetCluster === undefined) return GATHERED;
  return block < targetCluster ? targetCluster - (at % targetCluster) : Math.min(block, LARGEST);
}

function readAll(source: Chain, at: number, into: Uint8Array): void {
  for (let done = 0; done < into.length; done += MAX_TRANSFER) {
    readGuest(source, at + done, into.subarray(done, Math.min(into.length, done + MAX_TRANSFER)));
  }
}

/** Copies blocks of a disk as `dd` does; yields after each stretch. */
export function* copyBlocks(request: CopyRequest): Steps {
  const { source, from, to, target } = request;
  const total = Math.max(0, to - from);
  let buffer = new Uint8Array(0);
  for (let done = 0; done < total; ) {
    const length = Math.min(pieceAt(done, request), total - done);
    if (buffer.length < length) buffer = new Uint8Array(length);
    const bytes = buffer.subarray(0, length);
    readAll(source, from + done, bytes);
    target.write(done, bytes);
    done += length;
    yield { done, total };
  }
  target.flush();
}
