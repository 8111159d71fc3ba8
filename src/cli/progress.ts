/** Percents as qemu-img prints them: over each other, at least two apart. */
import type { Io } from './io.ts';
import { twoDecimals } from './numbers.ts';

/** Percent between two reports. */
const STEP = 2;

export class Progress {
  readonly #io: Io;
  readonly #on: boolean;
  #percent = 0;
  #shown = 0;

  constructor(io: Io, on: boolean) {
    this.#io = io;
    this.#on = on;
    this.#print();
  }

  add(bytes: number, total: number): void {
    this.#set(this.#percent + (bytes / total) * 100);
  }

  /** `done` never goes back; an empty disk is done at once. */
  at(done: number, total: number): void {
    this.#set(Math.max(this.#percent, total === 0 ? 100 : (done / total) * 100));
  }

  end(): void {
    if (this.#on) this.#io.stdout('\n');
  }

  #set(percent: number): void {
    this.#percent = Math.min(100, percent);
    if (this.#percent > 99.999) this.#percent = 100;
    const finished = this.#percent === 100 && this.#shown < 100;
    if (this.#percent >= this.#shown + STEP || finished) this.#print();
  }

  #print(): void {
    this.#shown = this.#percent;
    if (this.#on) this.#io.stdout(`    (${twoDecimals(this.#percent)}/100%)\r`);
  }
}
