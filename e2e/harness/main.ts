/**
 * A page for the tests of saving alone: the real client and workers without the form. Built and served
 * apart from the product.
 */
import { StreamSink } from '../../src/platform/browser/deliver/stream-sink.ts';
import { openStream } from '../../src/platform/browser/deliver/stream-target.ts';
import { createEngineClient } from '../../src/worker/client.ts';
import type { EngineClient, SaveOrder, SaveProgress, SaveReport } from '../../src/worker/engine-client.ts';

export type SaveOutcome =
  | { readonly report: SaveReport; readonly phases: readonly string[]; readonly updates: number }
  | { readonly failure: { readonly kind: string; readonly message: string }; readonly phases: readonly string[] };

export interface Harness {
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

const harness: Harness = {
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
      const kind = error instanceof Error && 'kind' in error ? String(error.kind) : 'defect';
      return { failure: { kind, message: error instanceof Error ? error.message : String(error) }, phases };
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
