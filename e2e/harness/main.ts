/**
 * A page for the tests of saving alone: the real client and workers without the form. Built and served
 * apart from the product.
 */
import { StreamSink } from '../../src/platform/browser/deliver/stream-sink.ts';
import { openStream } from '../../src/platform/browser/deliver/stream-target.ts';
import { createEngineClient } from '../../src/worker/client.ts';
import type { ConvertOrder, ConvertProgress, ConvertReport, Passes } from '../../src/worker/convert/protocol.ts';
import type { EngineClient, SaveOrder, SaveProgress, SaveReport } from '../../src/worker/engine-client.ts';
import { createChanging } from './change.ts';

export type SaveOutcome =
  | { readonly report: SaveReport; readonly phases: readonly string[]; readonly updates: number }
  | { readonly failure: { readonly kind: string; readonly message: string }; readonly phases: readonly string[] };

export type ConvertWish = Omit<ConvertOrder, 'sources'> & {
  /** Ids of file inputs: each is a disk with everything that it rests on. Default: the one called `source`. */
  readonly inputs?: readonly string[];
  readonly backingInput?: string;
  readonly cancelAt?: number;
};

export type ConvertOutcome =
  | { readonly report: ConvertReport; readonly phases: readonly string[]; readonly passes: Passes }
  | { readonly failure: { readonly kind: string; readonly message: string }; readonly phases: readonly string[] };

export interface Harness {
  /** Converts the files of inputs on the page. */
  convert(wish: ConvertWish): Promise<ConvertOutcome>;
  /** Milliseconds from the last cancel to the end. */
  cancelTook: number;
  readonly client: EngineClient;
  /** Saves; `cancelAt` cancels when so many bytes are done. */
  save(order: SaveOrder, cancelAt?: number): Promise<SaveOutcome>;
  /** The last progress of the save that runs. */
  progress: SaveProgress | undefined;
  cancel(): void;
  contract(): Promise<string[]>;
  /** Streams `pieces` of 1 MiB, one each 150 ms; true if every byte was taken within `limit` ms. */
  streamSlowly(name: string, pieces: number, pingInterval: number, limit: number): Promise<boolean>;
}

declare global {
  interface Window {
    harness: Harness;
  }
}

let controller = new AbortController();

const filesOf = (id: string) =>
  [...((document.getElementById(id) as HTMLInputElement | null)?.files ?? [])].map((file) => ({ file }));

function failureOf(error: unknown): { readonly kind: string; readonly message: string } {
  const kind = error instanceof Error && 'kind' in error ? String(error.kind) : 'defect';
  return { kind, message: error instanceof Error ? error.message : String(error) };
}

const harness: Harness = {
  cancelTook: 0,
  async convert({ inputs = ['source'], backingInput, cancelAt = Number.POSITIVE_INFINITY, ...wish }) {
    controller = new AbortController();
    const phases: string[] = [];
    let cancelledAt = 0;
    const onProgress = (progress: ConvertProgress) => {
      harness.progress = progress;
      if (phases.at(-1) !== progress.phase) phases.push(progress.phase);
      if (progress.done < cancelAt || cancelledAt > 0 || !progress.phase.startsWith('Convert')) return;
      cancelledAt = performance.now();
      controller.abort();
    };
    const order: ConvertOrder = {
      ...wish,
      sources: inputs.map((id) => ({ id, files: filesOf(id) })),
      ...(backingInput === undefined ? {} : { backing: filesOf(backingInput) }),
    };
    try {
      const converter = await harness.client.converter();
      const forecast = await converter.forecast(order);
      const job = await converter.prepare(order, forecast);
      const report = await converter.run(job, onProgress, controller.signal);
      return { report, phases, passes: job.way.passes };
    } catch (error) {
      harness.cancelTook = performance.now() - cancelledAt;
      return { failure: failureOf(error), phases };
    }
  },
  client: createEngineClient(),
  progress: undefined,
  cancel: () => controller.abort(),
  async save(order, cancelAt = Number.POSITIVE_INFINITY) {
    controller = new AbortController();
    const phases: string[] = [];
    let updates = 0;
    const onProgress = (progress: SaveProgress) => {
      harness.progress = progress;
      updates++;
      if (phases.at(-1) !== progress.phase) phases.push(progress.phase);
      if (progress.done >= cancelAt) controller.abort();
    };
    try {
      return { report: await harness.client.save(order, onProgress, controller.signal), phases, updates };
    } catch (error) {
      return { failure: failureOf(error), phases };
    }
  },
  async streamSlowly(name, pieces, pingInterval, limit) {
    const length = pieces * 1024 * 1024;
    const target = await openStream(name, 'application/octet-stream', length, pingInterval);
    const sink = await StreamSink.open(target.port, { ...target, pingInterval });
    const produce = async () => {
      const piece = new Uint8Array(1024 * 1024).fill(7);
      for (let at = 0; at < length; at += piece.length) {
        await sink.write(at, piece);
        await new Promise((resolve) => setTimeout(resolve, 150));
      }
      const finished = await sink.finish(length);
      target.end();
      return finished.length === length;
    };
    const tooLate = new Promise<boolean>((resolve) => setTimeout(() => resolve(false), limit));
    return await Promise.race([produce().catch(() => false), tooLate]);
  },
  contract: () =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL('./opfs-contract.worker.ts', import.meta.url), { type: 'module' });
      worker.onmessage = ({ data }: MessageEvent<string[]>) => resolve(data);
      worker.onerror = (event) => reject(new Error(event.message));
    }),
};

window.harness = harness;
window.changing = createChanging(harness.client);
