/**
 * The one shape of everything that a finished file can be written to. A sink lives in the worker; one
 * call follows the other, never two at once. `write` must have taken the bytes when it returns (or
 * when its promise settles): the caller uses the buffer again.
 */
import { DiskwrightError } from '../../../engine/errors.ts';

export interface FileSink {
  /** Takes bytes at any place; else every byte of the file must come in order, holes as zeros. */
  readonly positioned: boolean;
  write(at: number, bytes: Uint8Array): void | Promise<void>;
  /** At most 8 MiB of zeros that take their space. */
  zeros(at: number, length: number): void | Promise<void>;
  /** Sets the length, waits for the browser, and verifies the byte count. */
  finish(length: number): Promise<Finished>;
  /** Takes back what was made; never throws. */
  abort(): Promise<void>;
}

export interface Finished {
  /** Length of the saved file as the browser tells it. */
  readonly length: number;
  /** Bytes handed over. */
  readonly written: number;
  /** For the page to offer as a download; absent where the file is already in its place. */
  readonly download?: Blob;
}

/** Zeros to write from, over and over. Nobody may change it. */
export const ZEROS: Uint8Array<ArrayBuffer> = new Uint8Array(8 * 1024 * 1024);

/**
 * What a browser threw while saving, in our kinds. Browsers name a full disk or quota differently and
 * one of them not at all, so whatever came from growing a file is `no-space` to its caller.
 */
export function savingFailed(error: unknown, kind: 'io' | 'no-space', consequence: string): DiskwrightError {
  if (error instanceof DiskwrightError) return error;
  const detail = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const full = /quota|space|full/i.test(detail);
  return new DiskwrightError(full ? 'no-space' : kind, `${consequence} (${detail})`, {
    cause: error,
    ...(full || kind === 'no-space' ? { fix: 'Free some space, or make a smaller or sparse image.' } : {}),
  });
}

/** The browser's count and ours must agree, or the file is not to be trusted. */
export function verifyLength(expected: number, found: number): void {
  if (expected === found) return;
  throw new DiskwrightError('io', `The saved file is not complete: ${found} bytes of ${expected}.`, {
    fix: 'Delete it and save again.',
  });
}
