/** Reads images through our engine and compares with the raw twin that qemu-img makes of them. */
import { openSync, readSync, statSync } from 'node:fs';
import { type Chain, readGuest } from '../../engine/image/access.ts';
import { openChain } from '../../platform/node/open-images.ts';
import { qemuImgOrThrow } from './qemu-tools.ts';

const PIECE = 1024 * 1024;

/** A raw copy beside the image, by qemu-img. */
export function rawTwin(file: string, format = 'qcow2'): string {
  const twin = `${file}.twin`;
  qemuImgOrThrow(['convert', '-f', format, '-O', 'raw', file, twin]);
  return twin;
}

export interface OpenTwin {
  readonly chain: Chain;
  readonly size: number;
  /** Offset of the first byte that differs in [at, at + length), −1 if none does. */
  differs(at: number, length: number): number;
  close(): void;
}

/** Opens an image and its twin to compare stretches of them. */
export async function openTwin(file: string, twin: string, format?: string): Promise<OpenTwin> {
  const { chain, close } = await openChain(format === undefined ? { name: file } : { name: file, format }, {
    cwd: '/',
  });
  const fd = openSync(twin, 'r');
  const ours = Buffer.alloc(PIECE);
  const theirs = Buffer.alloc(PIECE);
  const differs = (at: number, length: number): number => {
    for (let done = 0; done < length; ) {
      const part = Math.min(PIECE, length - done);
      const mine = ours.subarray(0, part).fill(0xee);
      readGuest(chain, at + done, mine);
      theirs.fill(0, 0, part);
      readSync(fd, theirs, 0, part, at + done);
      const other = theirs.subarray(0, part);
      if (!mine.equals(other)) return at + done + mine.findIndex((byte, i) => byte !== other[i]);
      done += part;
    }
    return -1;
  };
  return { chain, size: statSync(twin).size, differs, close };
}
