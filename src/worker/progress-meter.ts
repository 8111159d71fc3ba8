/** Rate and time left from the counts of the last seconds; tells about ten times a second. */
import type { SaveProgress } from './engine-client.ts';

const TELL_EVERY_MS = 100;
const WINDOW_MS = 4000;
/** No rate before this much of the window is known. */
const SETTLE_MS = 500;

export class ProgressMeter {
  readonly #tell: (progress: SaveProgress) => void;
  readonly #now: () => number;
  #phase = '';
  #fileName = '';
  #told = Number.NEGATIVE_INFINITY;
  #samples: { at: number; done: number }[] = [];

  constructor(tell: (progress: SaveProgress) => void, now: () => number = () => performance.now()) {
    this.#tell = tell;
    this.#now = now;
  }

  /** A new phase: what was measured before says nothing about it. */
  begin(phase: string, fileName: string, done: number, total: number): void {
    this.#phase = phase;
    this.#fileName = fileName;
    this.#samples = [];
    this.#told = Number.NEGATIVE_INFINITY;
    this.update(done, total);
  }

  update(done: number, total: number): void {
    const now = this.#now();
    if (now - this.#told < TELL_EVERY_MS) return;
    this.#told = now;
    this.#samples.push({ at: now, done });
    while (this.#samples.length > 2 && now - (this.#samples[0]?.at ?? now) > WINDOW_MS) this.#samples.shift();
    const first = this.#samples[0];
    const elapsed = first ? now - first.at : 0;
    const rate = first && elapsed >= SETTLE_MS ? ((done - first.done) * 1000) / elapsed : 0;
    this.#tell({
      phase: this.#phase,
      fileName: this.#fileName,
      done,
      total,
      rate,
      ...(rate > 0 ? { eta: (total - done) / rate } : {}),
    });
  }
}
