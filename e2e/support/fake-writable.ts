/**
 * Replaces `createWritable` in the page's workers by a recorder, for files that no test disk holds: it
 * counts what a picked file would get, at which places, and takes no time for it.
 */
import type { Page } from '@playwright/test';

export interface Recording {
  readonly writes: number;
  readonly bytes: number;
  /** Furthest end of a write. */
  readonly end: number;
  /** True if no write began before the end of the one before it. */
  readonly rising: boolean;
  readonly truncatedTo: number;
  readonly closed: boolean;
}

export async function recordWritables(page: Page): Promise<void> {
  for (const worker of page.workers()) {
    await worker.evaluate(() => {
      const recording = { writes: 0, bytes: 0, end: 0, rising: true, truncatedTo: -1, closed: false };
      Reflect.set(globalThis, 'recording', recording);
      FileSystemFileHandle.prototype.createWritable = async () => {
        const stream = new WritableStream() as FileSystemWritableFileStream;
        stream.write = async (chunk) => {
          const { position, data } = chunk as unknown as { position: number; data: Uint8Array };
          recording.rising &&= position >= recording.end;
          recording.writes++;
          recording.bytes += data.length;
          recording.end = position + data.length;
        };
        stream.truncate = async (size) => {
          recording.truncatedTo = size;
        };
        stream.close = async () => {
          recording.closed = true;
        };
        return stream;
      };
      FileSystemFileHandle.prototype.getFile = async () => ({ size: recording.truncatedTo }) as File;
    });
  }
}

/** What the worker that saved has recorded. */
export async function recordingOf(page: Page): Promise<Recording | undefined> {
  for (const worker of page.workers()) {
    const recording = await worker.evaluate(() => Reflect.get(globalThis, 'recording') as Recording);
    if (recording.writes > 0) return recording;
  }
  return undefined;
}
