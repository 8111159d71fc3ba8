/**
 * The states that a crash can leave: everything up to some event, the event under way cut at a sector, and, because a
 * medium keeps its own order between two flushes, any part of what was not flushed yet.
 */
import type { Random } from '../random.ts';
import { FlatDevice } from './flat-device.ts';
import { applyEvent, type DeviceEvent } from './recording-device.ts';

const SECTOR = 512;

export class CrashStates {
  /** All events so far. */
  readonly disk = new FlatDevice();
  /** What is certain: all events up to the last flush. */
  readonly #certain = new FlatDevice();
  /** Events since. */
  #since: DeviceEvent[] = [];
  readonly #scratch = new FlatDevice();

  constructor(start: FlatDevice) {
    this.disk.become(start);
    this.#certain.become(start);
  }

  /** Takes the next event. */
  advance(event: DeviceEvent): void {
    applyEvent(this.disk, event);
    if (event.kind === 'flush') {
      this.#certain.become(this.disk);
      this.#since = [];
    } else this.#since.push(event);
  }

  /** A crash right now with everything written. The result is valid until the next call. */
  written(): FlatDevice {
    this.#scratch.become(this.disk);
    return this.#scratch;
  }

  get uncertain(): number {
    return this.#since.length;
  }

  /** A crash right now with a random part of what was not flushed, one write of it possibly cut at a sector. */
  inPart(random: Random): FlatDevice {
    this.#scratch.become(this.#certain);
    const share = random.pick([2, 2, 4, 8]);
    const lost = random.once(3) ? random.below(this.#since.length) : -1;
    for (const [i, event] of this.#since.entries()) {
      // Either each is lost with the same chance, or exactly one is.
      if (lost >= 0 ? i === lost : random.once(share)) continue;
      if (event.kind === 'write' && event.bytes.length > SECTOR && random.once(8)) {
        const end = event.at + event.bytes.length;
        const cut = Math.ceil(event.at / SECTOR) * SECTOR + SECTOR * random.below(event.bytes.length / SECTOR);
        if (cut < end) {
          const half = random.once(2);
          const bytes = half ? event.bytes.subarray(0, cut - event.at) : event.bytes.subarray(cut - event.at);
          this.#scratch.write(half ? event.at : cut, bytes);
          continue;
        }
      }
      applyEvent(this.#scratch, event);
    }
    return this.#scratch;
  }
}
