/** Percents of a conversion as qemu-img prints them: over each other, more than one apart, and the end twice. */
import type { Io } from './io.ts';
import { twoDecimals } from './numbers.ts';

const STEP = 1;

export class ConvertProgress {
  readonly #io: Io;
  readonly #on: boolean;
  #shown = 0;

  constructor(io: Io, on: boolean) {
    this.#io = io;
    this.#on = on;
    this.#print(0);
  }

  at(done: number, total: number): void {
    if (total === 0) return;
    // Single precision, as there: it decides where a border is passed.
    const percent = Math.fround((100 * done) / total);
    if (percent > this.#shown + STEP || (percent === 100 && this.#shown < 100)) this.#print(percent);
  }

  finished(): void {
    this.#print(100);
  }

  end(): void {
    if (this.#on) this.#io.stdout('\n');
  }

  #print(percent: number): void {
    this.#shown = percent;
    if (this.#on) this.#io.stdout(`    (${twoDecimals(percent)}/100%)\r`);
  }
}
