/**
 * The workers that compress, one per core, started by the page when the first compressed image is made: a worker that
 * starts workers of its own has hung in one browser. They stay; each conversion gets channels to them.
 */
import { DiskwrightError } from '../../engine/errors.ts';

const MOST = 16;

export interface Connection {
  /** Ends of channels, to be transferred to the worker that converts. */
  readonly ports: readonly MessagePort[];
  /** Rejects when one of the workers is lost. */
  readonly lost: Promise<never>;
}

export class Packers {
  #workers: Worker[] | undefined;
  #lost: Promise<never> | undefined;

  connect(): Connection {
    const workers = this.#workers ?? this.#start();
    const ports = workers.map((worker) => {
      const { port1, port2 } = new MessageChannel();
      worker.postMessage(undefined, [port1]);
      return port2;
    });
    return { ports, lost: this.#lost as Promise<never> };
  }

  #start(): Worker[] {
    const count = Math.max(1, Math.min(MOST, navigator.hardwareConcurrency || 2));
    const workers = Array.from(
      { length: count },
      () => new Worker(new URL('./packer.ts', import.meta.url), { type: 'module', name: 'packer' }),
    );
    this.#workers = workers;
    this.#lost = new Promise((_, reject) => {
      for (const worker of workers) {
        worker.onerror = (event) => {
          event.preventDefault();
          for (const one of workers) one.terminate();
          this.#workers = undefined;
          const detail = event.message || 'its script did not load';
          reject(new DiskwrightError('io', `A worker that compresses stopped: ${detail}.`, { fix: 'Try again.' }));
        };
      }
    });
    this.#lost.catch(() => {});
    return workers;
  }
}
