/**
 * One dedicated worker and the calls that wait for it. Engine code that computes for long cannot be
 * interrupted, only ended: `restart` drops the worker with all its calls and starts a new one.
 */
import { DiskwrightError } from '../engine/errors.ts';
import {
  type Answers,
  type Call,
  cancelled,
  type FromWorker,
  type JobEvent,
  type ToWorker,
  unpackError,
} from './protocol.ts';

/** A cancelled job that has not ended by then is ended with its worker. */
const CANCEL_LIMIT_MS = 2000;

export interface CallDetail {
  readonly onEvent?: (event: JobEvent) => void;
  readonly transfer?: readonly Transferable[];
  readonly signal?: AbortSignal | undefined;
}

interface Pending {
  resolve(answer: unknown): void;
  reject(error: Error): void;
  readonly onEvent: ((event: JobEvent) => void) | undefined;
}

export class Lane {
  /** Absent after it stopped by itself: the next call starts another. */
  #worker: Worker | undefined = this.#start();
  #nextId = 1;
  readonly #pending = new Map<number, Pending>();

  ask<Name extends Call['name']>(
    call: Call & { readonly name: Name },
    { onEvent, transfer = [], signal }: CallDetail = {},
  ): Promise<Answers[Name]> {
    if (signal?.aborted) return Promise.reject(cancelled());
    const id = this.#nextId++;
    const cancel = () => {
      this.#post({ kind: 'cancel', id });
      setTimeout(() => {
        if (this.#pending.has(id)) this.restart();
      }, CANCEL_LIMIT_MS);
    };
    signal?.addEventListener('abort', cancel);
    const answer = new Promise<Answers[Name]>((resolve, reject) => {
      // The answer to a call has the type that `Answers` gives to its name.
      this.#pending.set(id, { resolve: (value) => resolve(value as Answers[Name]), reject, onEvent });
    });
    this.#post({ kind: 'call', id, call }, transfer);
    return answer.finally(() => signal?.removeEventListener('abort', cancel));
  }

  /** All calls in progress end as cancelled. */
  restart(): void {
    this.#worker?.terminate();
    this.#worker = this.#start();
    this.#drop(cancelled());
  }

  #drop(reason: Error): void {
    const dropped = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of dropped) reject(reason);
  }

  #post(message: ToWorker, transfer: readonly Transferable[] = []): void {
    this.#worker ??= this.#start();
    this.#worker.postMessage(message, [...transfer]);
  }

  #start(): Worker {
    const worker = new Worker(new URL('./host.ts', import.meta.url), { type: 'module', name: 'engine' });
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.#hear(data);
    worker.onerror = (event) => {
      event.preventDefault();
      const detail = event.message || 'its script did not load';
      const reason = new DiskwrightError('io', `The engine's worker stopped: ${detail}.`, { fix: 'Reload the page.' });
      worker.terminate();
      this.#worker = undefined;
      this.#drop(reason);
    };
    return worker;
  }

  #hear(message: FromWorker): void {
    const pending = this.#pending.get(message.id);
    if (!pending) return;
    if (message.kind === 'event') {
      pending.onEvent?.(message.event);
      return;
    }
    this.#pending.delete(message.id);
    if (message.kind === 'answer') pending.resolve(message.answer);
    else pending.reject(unpackError(message.failure));
  }
}
