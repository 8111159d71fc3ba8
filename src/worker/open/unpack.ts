/**
 * Unpacks a gzip file to look at what is in it: in memory while it is small, else in the origin's own storage. Runs of
 * zeros are not kept, so a large empty disk stays small.
 */
import type { ReadableDevice } from '../../engine/device/device.ts';
import { MemoryDevice } from '../../engine/device/memory.ts';
import { DiskwrightError } from '../../engine/errors.ts';
import { isAllZero } from '../../jobs/extract.ts';
import { type Staged, stage } from '../../platform/browser/deliver/staging.ts';
import type { OpfsDevice } from '../../platform/browser/opfs-device.ts';
import { cancelled } from '../protocol.ts';
import { nextTurn } from '../pump.ts';

/** Held in memory; beyond it the browser's storage takes over. */
const IN_MEMORY = 64 * 1024 * 1024;
const PAGE = 64 * 1024;

export interface Unpacked {
  readonly device: ReadableDevice;
  /** What is odd about the packed file. */
  readonly note?: string;
  remove(): Promise<void>;
}

/** Where unpacked bytes go: pages in file order. */
class Store {
  #memory: MemoryDevice | undefined = new MemoryDevice();
  #staged: Staged | undefined;
  #length = 0;

  get #device(): MemoryDevice | OpfsDevice {
    return this.#memory ?? (this.#staged as Staged).device;
  }

  async add(bytes: Uint8Array): Promise<void> {
    if (!isAllZero(bytes)) {
      if (this.#memory && this.#memory.resident > IN_MEMORY) await this.#moveOut(this.#memory);
      this.#device.write(this.#length, bytes);
    }
    this.#length += bytes.length;
  }

  finish(): ReadableDevice {
    if (this.#device.size !== this.#length) this.#device.resize(this.#length);
    return this.#device;
  }

  async remove(): Promise<void> {
    this.#memory?.close();
    this.#staged?.device.close();
    await this.#staged?.remove();
  }

  async #moveOut(memory: MemoryDevice): Promise<void> {
    try {
      this.#staged = await stage(0);
    } catch (cause) {
      if (cause instanceof DiskwrightError) throw cause;
      const message = 'What is in the file is too large for the memory, and this browser has no storage for it.';
      throw new DiskwrightError('no-space', message, { fix: 'Unpack it first, then open what is in it.', cause });
    }
    const buffer = new Uint8Array(1024 * 1024);
    for (const { kind, at, length } of memory.runs(0, memory.size)) {
      for (let done = 0; kind === 'data' && done < length; done += buffer.length) {
        const piece = buffer.subarray(0, Math.min(buffer.length, length - done));
        memory.read(at + done, piece);
        this.#staged.device.write(at + done, piece);
      }
    }
    memory.close();
    this.#memory = undefined;
  }
}

/** How long it works without letting messages in. */
const TURN_MS = 16;

/** Cuts a stream into pages that begin at multiples of 64 KiB. */
class Pages {
  readonly #page = new Uint8Array(PAGE);
  #filled = 0;

  async take(chunk: Uint8Array, store: Store): Promise<void> {
    for (let from = 0; from < chunk.length; ) {
      const part = chunk.subarray(from, from + PAGE - this.#filled);
      this.#page.set(part, this.#filled);
      this.#filled += part.length;
      from += part.length;
      if (this.#filled === PAGE) await this.flush(store);
    }
  }

  async flush(store: Store): Promise<void> {
    await store.add(this.#page.subarray(0, this.#filled));
    this.#filled = 0;
  }
}

export async function unpackGzip(
  file: File,
  onProgress: (done: number, total: number) => void,
  signal: AbortSignal,
): Promise<Unpacked> {
  let taken = 0;
  const counted = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
    transform(chunk, controller) {
      taken += chunk.length;
      controller.enqueue(chunk);
    },
  });
  const stream = file.stream().pipeThrough(counted).pipeThrough(new DecompressionStream('gzip'));
  const reader = stream.getReader();
  const store = new Store();
  const pages = new Pages();
  let out = 0;
  let note: string | undefined;
  let turnAt = performance.now() + TURN_MS;
  try {
    for (;;) {
      // What is inflated already comes without a turn of the event loop: a cancel would wait for all of it.
      if (performance.now() >= turnAt) {
        await nextTurn();
        turnAt = performance.now() + TURN_MS;
      }
      if (signal.aborted) throw cancelled();
      const step = await reader.read().catch((error: unknown) => {
        // A file that ends early, or has something behind its end, still shows what came out before.
        if (!(error instanceof TypeError)) throw error;
        note = `The gzip file is damaged or has something behind its end: ${out} bytes came out before.`;
        return { done: true, value: undefined } as const;
      });
      if (step.done) break;
      out += step.value.length;
      await pages.take(step.value, store);
      onProgress(taken, file.size);
    }
    if (out === 0 && note !== undefined) {
      throw new DiskwrightError('corrupt', 'The gzip file is damaged: nothing came out of it.');
    }
    await pages.flush(store);
    const device = store.finish();
    return { device, ...(note === undefined ? {} : { note }), remove: () => store.remove() };
  } catch (error) {
    await store.remove();
    throw error;
  } finally {
    reader.cancel().catch(() => {});
  }
}
