/**
 * Which way a finished file takes to the disk. Pure: what this browser can do comes in, so that every
 * line of the chain can be tested.
 *
 * The order is the product's: a small file is a plain download; a picked file is written at its places
 * and keeps its holes; a stream needs neither memory nor storage; staging in the origin's own storage
 * comes last because it counts against a quota.
 */
import { formatBytes } from '../../../engine/bytes/units.ts';

export type Sink = 'blob' | 'picked' | 'stream' | 'opfs';

/** A sink that would be used, with its consequence in one line, or why nothing can save this. */
export interface SinkChoice {
  readonly sink: Sink | undefined;
  readonly note: string;
}

export interface Capabilities {
  /** A secure context: without it there is nothing but Blob saving. */
  readonly secure: boolean;
  readonly picker: boolean;
  readonly serviceWorker: boolean;
  /** A synchronous OPFS handle could really be opened. */
  readonly opfs: boolean;
  /** Files written at places take their full length there. */
  readonly windows: boolean;
}

export interface FileToSave {
  readonly length: number;
  readonly written: number;
  readonly gzip: boolean;
}

/** Longest file that is built in memory. */
export const BLOB_LIMIT = 64 * 1024 * 1024;

const CHAIN: readonly Sink[] = ['blob', 'picked', 'stream', 'opfs'];

function possible(sink: Sink, file: FileToSave, can: Capabilities): boolean {
  switch (sink) {
    case 'blob':
      return file.length <= BLOB_LIMIT;
    case 'picked':
      return can.secure && can.picker;
    case 'stream':
      return can.secure && can.serviceWorker;
    case 'opfs':
      return can.secure && can.opfs;
  }
}

function noteOf(sink: Sink, file: FileToSave, can: Capabilities): string {
  const length = formatBytes(file.length);
  switch (sink) {
    case 'blob':
      return 'Saved as a download.';
    case 'picked':
      if (file.gzip) return 'You choose where it goes; it is compressed on the way.';
      if (file.written >= file.length) return `You choose where it goes; all ${length} are written.`;
      if (can.windows) {
        return `You choose where it goes. Windows gives the file its full length of ${length} on disk, holes too.`;
      }
      return `You choose where it goes; ${formatBytes(file.written)} are written, the rest stays a hole.`;
    case 'stream':
      return file.gzip
        ? 'Streamed as a download, compressed on the way. This page must stay open until it ends.'
        : `Streamed as a download of ${length}, holes as zeros. This page must stay open until it ends.`;
    case 'opfs':
      return "Built in this browser's own storage, then saved as a download: it needs its space twice for a while.";
  }
}

function refusal(file: FileToSave, can: Capabilities): string {
  const limit = formatBytes(BLOB_LIMIT);
  const why = can.secure
    ? `This browser saves at most ${limit}`
    : `This page was not opened over https, so it saves at most ${limit}`;
  return `${why}, the file has ${formatBytes(file.length)}. Use a current browser, or the diskwright command.`;
}

/** Every sink that could save the file here, best first. */
export function possibleSinks(file: FileToSave, can: Capabilities): Sink[] {
  return CHAIN.filter((sink) => possible(sink, file, can));
}

export function chooseSink(file: FileToSave, can: Capabilities): SinkChoice {
  const [sink] = possibleSinks(file, can);
  return sink ? { sink, note: noteOf(sink, file, can) } : { sink, note: refusal(file, can) };
}
