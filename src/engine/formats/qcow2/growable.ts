/** A list of numbers that may become millions long: a Float64Array that doubles. */
export class NumberList {
  #items = new Float64Array(64);
  length = 0;

  push(value: number): void {
    if (this.length === this.#items.length) {
      const larger = new Float64Array(this.length * 2);
      larger.set(this.#items);
      this.#items = larger;
    }
    this.#items[this.length++] = value;
  }

  at(index: number): number {
    return this.#items[index] ?? 0;
  }

  /** Index of the last item ≤ `value` in an ascending list, −1 if there is none. */
  lastUpTo(value: number): number {
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.at(middle) <= value) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** A copy in ascending order. */
  sorted(): Float64Array {
    return this.#items.slice(0, this.length).sort();
  }
}
