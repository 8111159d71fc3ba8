/**
 * Copies a stretch of a disk or of a file, in order: what reads as zeros is skipped, so that a file with holes stays
 * one, and a read moves at most 4 MiB.
 */
import type { ReadableDevice } from '../engine/device/device.ts';
import { type Chain, locateInChain, readExtent } from '../engine/image/access.ts';
import type { OpenImage } from '../engine/image/image.ts';
import type { Operation } from './step.ts';

const PIECE = 4 * 1024 * 1024;

/** All bytes are zero; the buffer starts at a multiple of 4 in memory. */
export function isAllZero(bytes: Uint8Array): boolean {
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
  for (const word of words) if (word !== 0) return false;
  for (let i = words.length * 4; i < bytes.length; i++) if (bytes[i] !== 0) return false;
  return true;
}

/** The bytes [from, from + length) of a guest's disk. Returns how many were not zeros. */
export function* extractDisk(chain: Chain, from: number, length: number): Operation<number> {
  const buffer = new Uint8Array(PIECE);
  let written = 0;
  for (let done = 0; done < length; ) {
    const { extent, depth } = locateInChain(chain, from + done, Math.min(length - done, 2 ** 40));
    if (extent.kind === 'data' || extent.kind === 'coded') {
      const piece = buffer.subarray(0, Math.min(extent.length, PIECE));
      readExtent(chain[depth] as OpenImage, { ...extent, length: piece.length }, piece);
      if (!isAllZero(piece)) {
        yield { kind: 'emit', at: done, bytes: piece };
        written += piece.length;
      }
      done += piece.length;
    } else done += extent.length;
    yield { kind: 'progress', done, total: length };
  }
  return written;
}

/** The same of a file's own bytes. */
export function* extractFile(device: ReadableDevice, from: number, length: number): Operation<number> {
  const buffer = new Uint8Array(PIECE);
  let written = 0;
  for (let done = 0; done < length; ) {
    const piece = buffer.subarray(0, Math.min(PIECE, length - done));
    device.read(from + done, piece);
    if (!isAllZero(piece)) {
      yield { kind: 'emit', at: done, bytes: piece };
      written += piece.length;
    }
    done += piece.length;
    yield { kind: 'progress', done, total: length };
  }
  return written;
}
