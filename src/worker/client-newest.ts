/**
 * Of calls that follow each other quickly only the newest matters. One is computed, at most one waits;
 * whatever is overtaken ends as cancelled. If the one in progress takes too long while another waits, its
 * worker is ended: it could not be asked to stop.
 */
import type { Lane } from './client-lane.ts';
import { type Answers, type Call, cancelled } from './protocol.ts';

const PATIENCE_MS = 150;

type ForecastCall = Call & { readonly name: 'forecast' };
type Forecast = Answers['forecast'];

interface Waiting {
  readonly call: ForecastCall;
  resolve(answer: Forecast): void;
  reject(error: Error): void;
}

export class NewestOnly {
  readonly #lane: Pick<Lane, 'ask' | 'restart'>;
  #busy = false;
  #waiting: Waiting | undefined;

  constructor(lane: Pick<Lane, 'ask' | 'restart'>) {
    this.#lane = lane;
  }

  ask(call: ForecastCall, signal?: AbortSignal): Promise<Forecast> {
    if (signal?.aborted) return Promise.reject(cancelled());
    return new Promise((resolve, reject) => {
      signal?.addEventListener('abort', () => reject(cancelled()), { once: true });
      this.#waiting?.reject(cancelled());
      const mine: Waiting = { call, resolve, reject };
      this.#waiting = mine;
      if (!this.#busy) this.#next();
      else {
        setTimeout(() => {
          if (this.#waiting === mine) this.#lane.restart();
        }, PATIENCE_MS);
      }
    });
  }

  #next(): void {
    const next = this.#waiting;
    this.#waiting = undefined;
    this.#busy = next !== undefined;
    if (!next) return;
    this.#lane
      .ask<'forecast'>(next.call)
      .then(next.resolve, next.reject)
      .finally(() => this.#next());
  }
}
