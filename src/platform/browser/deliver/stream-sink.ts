/**
 * Sends a file in order to the service worker, which hands it to the browser as a download. At most
 * WINDOW bytes are on their way: the browser's disk sets the pace and memory stays flat. Success
 * is the service worker's count of what the browser took, never the browser's own "complete".
 */
import { DiskwrightError } from '../../../engine/errors.ts';
import type { FileSink, Finished } from './sink.ts';
import { verifyLength } from './sink.ts';
import type { StreamInput, StreamReport } from './stream-messages.ts';

const WINDOW = 8 * 1024 * 1024;
/** A download that has not begun by then never will. */
const BEGIN_LIMIT = 20_000;
/** Pings without an answer before the service worker is given up. */
const SILENT_PINGS = 8;

export interface StreamPage {
  /** Loads the hidden frame: the download begins. */
  begin(): void;
  /** Keeps the service worker awake. */
  ping(): void;
  readonly pingInterval: number;
}

interface Wait {
  readonly until: (report: StreamReport) => boolean;
  readonly resolve: (report: StreamReport) => void;
  readonly reject: (error: unknown) => void;
}

export class StreamSink implements FileSink {
  readonly positioned = false;
  readonly #port: MessagePort;
  readonly #beat: ReturnType<typeof setInterval>;
  #sent = 0;
  #taken = 0;
  #silent = 0;
  #wait: Wait | undefined;
  #failure: DiskwrightError | undefined;

  private constructor(port: MessagePort, page: StreamPage) {
    this.#port = port;
    port.onmessage = (event: MessageEvent<StreamReport>) => this.#hear(event.data);
    this.#beat = setInterval(() => {
      page.ping();
      if (++this.#silent > SILENT_PINGS) this.#fail('The browser ended the download half-way, its helper has stopped.');
    }, page.pingInterval);
  }

  /** Resolves when the browser has begun the download. */
  static async open(port: MessagePort, page: StreamPage): Promise<StreamSink> {
    const sink = new StreamSink(port, page);
    const limit = setTimeout(() => sink.#fail('The browser did not begin the download.'), BEGIN_LIMIT);
    try {
      await sink.#until((report) => report.kind === 'ready');
      page.begin();
      await sink.#until((report) => report.kind === 'begun');
      return sink;
    } catch (error) {
      await sink.abort();
      throw error;
    } finally {
      clearTimeout(limit);
    }
  }

  write(_at: number, bytes: Uint8Array): void | Promise<void> {
    const own = bytes.slice();
    this.#sent += own.length;
    this.#post({ kind: 'bytes', bytes: own }, [own.buffer]);
    return this.#pace();
  }

  zeros(_at: number, length: number): void | Promise<void> {
    this.#post({ kind: 'zeros', length });
    this.#sent += length;
    return this.#pace();
  }

  async finish(length: number): Promise<Finished> {
    verifyLength(length, this.#sent);
    this.#post({ kind: 'end', length });
    const report = await this.#until(({ kind }) => kind === 'closed' || kind === 'refused');
    verifyLength(length, 'bytes' in report ? report.bytes : 0);
    if (report.kind === 'refused') throw new DiskwrightError('io', 'The browser closed the download early.');
    clearInterval(this.#beat);
    return { length, written: length };
  }

  async abort(): Promise<void> {
    this.#post({ kind: 'abort' });
    clearInterval(this.#beat);
    this.#stop(new DiskwrightError('cancelled', 'The download was cancelled.'));
  }

  #post(input: StreamInput, transfer: Transferable[] = []): void {
    this.#port.postMessage(input, transfer);
  }

  #pace(): void | Promise<void> {
    if (this.#failure) throw this.#failure;
    if (this.#sent - this.#taken < WINDOW) return;
    return this.#until(() => this.#sent - this.#taken < WINDOW).then(() => {});
  }

  #until(until: Wait['until']): Promise<StreamReport> {
    return new Promise((resolve, reject) => {
      if (this.#failure) reject(this.#failure);
      else this.#wait = { until, resolve, reject };
    });
  }

  #hear(report: StreamReport): void {
    this.#silent = 0;
    if (report.kind === 'taken') this.#taken = report.bytes;
    if (report.kind === 'cancelled') {
      this.#stop(new DiskwrightError('cancelled', 'The download was cancelled in the browser.'));
    } else if (this.#wait?.until(report)) {
      const { resolve } = this.#wait;
      this.#wait = undefined;
      resolve(report);
    }
  }

  #fail(message: string): void {
    this.#stop(new DiskwrightError('io', message, { fix: 'Save again, or use another way to save.' }));
  }

  #stop(failure: DiskwrightError): void {
    this.#failure ??= failure;
    this.#wait?.reject(this.#failure);
    this.#wait = undefined;
  }
}
