/**
 * A random life of a qcow2 image beside a plain array of bytes: writes, zeroes, discards, compressed writes, resizes,
 * snapshots and reopening. After every batch the disk is the array, and the image's own structures are clean.
 */
import { createCipheriv } from 'node:crypto';
import { MemoryDevice } from '../../engine/device/memory.ts';
import { DiskwrightError } from '../../engine/errors.ts';
import { type Chain, readGuest } from '../../engine/image/access.ts';
import type { Steps, WritableImage } from '../../engine/image/writable.ts';
import type { OptionTexts } from '../../engine/options/declare.ts';
import type { Random } from '../random.ts';
import { discardedPart } from './operations.ts';
import { writePacked } from './pack.ts';
import { newImage, openForWriting, problemsOf } from './qcow2-images.ts';

/** Bytes that nothing can compress, the same every time; qemu-io takes them from a file. */
export const NOISE = createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16, 7)).update(Buffer.alloc(1 << 18));

export interface ModelShape {
  readonly texts: OptionTexts;
  readonly size: number;
  readonly backing?: { readonly chain: Chain; readonly bytes: Uint8Array };
  readonly snapshots: boolean;
  readonly resizes: boolean;
  readonly compressed: boolean;
}

interface Saved {
  readonly name: string;
  readonly disk: Buffer;
}

function finish(steps: Steps | undefined): void {
  if (!steps) throw new Error('the image cannot do that');
  while (!steps.next().done);
}

export class ModelRun {
  readonly #shape: ModelShape;
  readonly #random: Random;
  readonly #clusterSize: number;
  readonly #data: MemoryDevice | undefined;
  readonly file: MemoryDevice;
  /** What qemu-io does to a raw file to follow; without snapshots it ends with the same bytes. */
  readonly twin: string[] = [];
  disk: Buffer;
  saved: Saved[] = [];
  #image: WritableImage;
  #names = 0;

  constructor(shape: ModelShape, random: Random) {
    this.#shape = shape;
    this.#random = random;
    this.#clusterSize = Number(shape.texts.cluster_size ?? 65536);
    this.file = newImage({ ...shape.texts, size: `${shape.size}` });
    if (shape.texts.data_file !== undefined) {
      this.#data = new MemoryDevice();
      this.#data.resize(shape.size);
    }
    this.disk = Buffer.alloc(shape.size);
    if (shape.backing) this.disk.set(shape.backing.bytes.subarray(0, shape.size));
    this.#image = this.#open();
  }

  /** One batch of operations; the first fault in words, undefined if there is none. */
  batch(operations: number): string | undefined {
    const done: string[] = [];
    try {
      for (let i = 0; i < operations; i++) {
        const text = this.#operate();
        if (text === undefined) continue;
        done.push(text);
        const at = this.disk.length === 0 ? 0 : this.#random.below(this.disk.length);
        const wrong = this.#difference(at, Math.min(50_000, this.disk.length - at));
        if (wrong) return `${done.join('; ')}: ${wrong}`;
      }
      this.#image.flush();
      const wrong = this.#difference(0, this.disk.length);
      if (wrong) return `${done.join('; ')}: ${wrong}`;
    } catch (thrown) {
      return `${done.join('; ')}, then: ${thrown instanceof Error ? thrown.stack : thrown}`;
    }
    this.#image.close();
    const problems = problemsOf(this.file);
    if (problems.length > 0) return `${done.join('; ')}: ${problems.slice(0, 5).join('; ')}`;
    this.#image = this.#open();
    return undefined;
  }

  close(): void {
    this.#image.close();
  }

  #open(): WritableImage {
    const { backing } = this.#shape;
    const devices = {
      image: this.file,
      ...(this.#data ? { data: this.#data } : {}),
      ...(backing ? { backing: backing.chain } : {}),
    };
    return openForWriting(devices, { unmap: this.#random.once(2) });
  }

  #difference(at: number, length: number): string | undefined {
    const chain: Chain = [this.#image, ...(this.#shape.backing?.chain ?? [])];
    if (this.#image.virtualSize !== this.disk.length) return `the disk has ${this.#image.virtualSize} bytes`;
    const got = Buffer.alloc(length, 0xee);
    for (let done = 0; done < length; done += 1 << 22)
      readGuest(chain, at + done, got.subarray(done, done + (1 << 22)));
    const wanted = this.disk.subarray(at, at + length);
    if (got.equals(wanted)) return undefined;
    const place = got.findIndex((byte, i) => byte !== wanted[i]);
    return `byte ${at + place} of the disk is ${got[place]}, expected ${wanted[place]}`;
  }

  #stretch(): [at: number, length: number] {
    const random = this.#random;
    const size = this.disk.length;
    const cluster = this.#clusterSize;
    const at = random.once(2)
      ? random.below(size)
      : Math.max(0, Math.min(size - 1, cluster * random.below(Math.ceil(size / cluster) + 1) + random.between(-1, 1)));
    const wanted = random.once(3) ? random.between(1, 4 * cluster) : random.pick([1, 512, 4096, cluster, 2 * cluster]);
    return [at, Math.min(wanted, size - at)];
  }

  #operate(): string | undefined {
    const random = this.#random;
    const kinds = ['write', 'write', 'write', 'write', 'noise', 'zero', 'zero', 'discard', 'discard', 'reopen'];
    if (this.#shape.snapshots) kinds.push('create', 'apply', 'delete');
    if (this.#shape.resizes) kinds.push('resize');
    if (this.#shape.compressed) kinds.push('compressed', 'compressed', 'compressed');
    const kind = random.pick(kinds);
    if (kind === 'reopen') {
      this.#image.close();
      this.#image = this.#open();
      return kind;
    }
    if (kind === 'resize') return this.#resize();
    if (kind === 'create' || kind === 'apply' || kind === 'delete') return this.#snapshot(kind);
    if (this.disk.length === 0) return undefined;
    const [at, length] = this.#stretch();
    const place = `${at} ${length}`;
    if (kind === 'compressed') return this.#compress(at);
    if (kind === 'write') {
      const pattern = random.between(1, 255);
      this.#image.write(at, new Uint8Array(length).fill(pattern));
      this.disk.fill(pattern, at, at + length);
      this.twin.push(`write -P ${pattern} ${place}`);
    } else if (kind === 'noise') {
      const bytes = NOISE.subarray(0, length);
      this.#image.write(at, bytes);
      this.disk.set(bytes, at);
      this.twin.push(`write -s NOISE ${at} ${bytes.length}`);
    } else if (kind === 'zero') {
      this.#image.zero(at, length, random.once(2));
      this.disk.fill(0, at, at + length);
      this.twin.push(`write -z ${place}`);
    } else {
      this.#image.discard(at, length);
      const unit = this.#shape.texts.compat === '0.10' && this.#shape.backing ? 0 : this.#clusterSize;
      const [from, to] = discardedPart({ size: this.disk.length, discardUnit: unit }, at, length);
      this.disk.fill(0, from, to);
      if (from < to) this.twin.push(`write -z ${from} ${to - from}`);
    }
    return `${kind} ${place}`;
  }

  #compress(near: number): string | undefined {
    const at = Math.floor(near / this.#clusterSize) * this.#clusterSize;
    const length = Math.min(this.#clusterSize, this.disk.length - at);
    const extent = this.#image.locate(at, length);
    // Whatever has a place in the file is not written compressed.
    if (extent.kind !== 'absent' || extent.host !== undefined || extent.length < length) return undefined;
    const bytes = Buffer.alloc(length, this.#random.between(1, 255));
    // Half of them hold noise here and there, and some are all noise.
    if (this.#random.once(2)) bytes.set(NOISE.subarray(0, Math.min(length, this.#random.below(length + 1))));
    writePacked(this.#image, at, bytes);
    this.disk.set(bytes, at);
    // Noise begins at the start, the rest is one byte over and over.
    const noisy = bytes.findIndex((byte, i) => byte !== NOISE[i]);
    const border = noisy < 0 ? length : noisy;
    if (border > 0) this.twin.push(`write -s NOISE ${at} ${border}`);
    if (border < length) this.twin.push(`write -P ${bytes[length - 1]} ${at + border} ${length - border}`);
    return `compressed ${at}`;
  }

  #resize(): string {
    const before = this.disk.length;
    const random = this.#random;
    const grow = random.once(2) || before === 0;
    const step = 512 * random.between(1, Math.max(1, Math.floor((3 * this.#clusterSize) / 512)));
    const size = grow ? before + step : Math.max(0, before - step);
    // Of the last cluster the part behind the new end keeps its bytes, and growing shows them again, here as in QEMU.
    const kept = Math.min(before, Math.ceil(size / this.#clusterSize) * this.#clusterSize);
    if (kept > size) this.#image.zero(size, kept - size);
    const preallocation = grow ? random.pick(['off', 'off', 'metadata', 'falloc', 'full'] as const) : 'off';
    finish(this.#image.resize?.({ size, preallocation }));
    const disk = Buffer.alloc(size);
    this.disk.copy(disk);
    this.disk = disk;
    if (size < before) this.twin.push(`write -z ${size} ${before - size}`);
    this.twin.push(`truncate ${size}`);
    return `resize ${size} ${preallocation}`;
  }

  #snapshot(kind: 'create' | 'apply' | 'delete'): string | undefined {
    const control = this.#image.snapshots;
    if (!control) throw new Error('there are no snapshots');
    if (kind === 'create') {
      if (this.saved.length >= 5) return undefined;
      const name = `s${this.#names++}`;
      try {
        finish(control.create(name, { seconds: 1_700_000_000, nanoseconds: this.#names }));
      } catch (thrown) {
        // Narrow refcounts cannot count another reference.
        if (thrown instanceof DiskwrightError && Number(this.#shape.texts.refcount_bits ?? 16) < 4) return 'refused';
        throw thrown;
      }
      this.saved.push({ name, disk: Buffer.from(this.disk) });
      return `create ${name}`;
    }
    if (this.saved.length === 0) return undefined;
    const index = this.#random.below(this.saved.length);
    const { name, disk } = this.saved[index] as Saved;
    if (kind === 'delete') {
      finish(control.delete(name));
      this.saved.splice(index, 1);
    } else {
      try {
        finish(control.apply(name));
      } catch (thrown) {
        if (thrown instanceof DiskwrightError && Number(this.#shape.texts.refcount_bits ?? 16) < 4) return 'refused';
        throw thrown;
      }
      this.disk = Buffer.from(disk);
    }
    return `${kind} ${name}`;
  }
}
