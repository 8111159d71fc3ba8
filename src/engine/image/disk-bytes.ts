/** A stretch of bytes to look at: a file, a guest's disk, or a part of one. What lies past the end reads as zeros. */

export interface DiskBytes {
  readonly size: number;
  read(at: number, into: Uint8Array): void;
}

/** Bytes [at, at + length) of `disk` as a disk of their own. */
export function partOf(disk: DiskBytes, at: number, length: number): DiskBytes {
  return {
    size: length,
    read(from, into) {
      into.fill(0);
      const there = Math.max(0, Math.min(into.length, length - from));
      if (there > 0) disk.read(at + from, into.subarray(0, there));
    },
  };
}

export function bytesAt(disk: DiskBytes, at: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  const there = Math.max(0, Math.min(length, disk.size - at));
  if (there > 0) disk.read(at, bytes.subarray(0, there));
  return bytes;
}

export const viewAt = (disk: DiskBytes, at: number, length: number): DataView =>
  new DataView(bytesAt(disk, at, length).buffer);

/** The text `magic` stands at `at`, one byte per character. */
export const standsAt = (disk: DiskBytes, at: number, magic: string): boolean =>
  at + magic.length <= disk.size && bytesAt(disk, at, magic.length).every((byte, i) => byte === magic.charCodeAt(i));
