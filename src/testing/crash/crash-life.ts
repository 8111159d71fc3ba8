/**
 * One image's life under a recorder: random operations, and after every event that reached the device the crashes that
 * could happen there. Each crash is opened again, checked, and its disk compared with what may be on it.
 */

import { DiskwrightError } from '../../engine/errors.ts';
import { checkAtOnce } from '../../engine/formats/qcow2/check/check.ts';
import { type Chain, readGuest } from '../../engine/image/access.ts';
import type { CheckReport } from '../../engine/image/report.ts';
import type { Steps, WritableImage } from '../../engine/image/writable.ts';
import type { OptionTexts } from '../../engine/options/declare.ts';
import type { Random } from '../random.ts';
import { writePacked } from '../writable/pack.ts';
import { newImage, openForWriting, openRaw } from '../writable/qcow2-images.ts';
import { CrashStates } from './crash-states.ts';
import { backingValue, DiskModel, savedDifference, sectorBytes, stepValue } from './disk-model.ts';
import { type Feature, structuresOf, tableFeatures } from './features.ts';
import { FlatDevice } from './flat-device.ts';
import { type Order, RecordingDevice } from './recording-device.ts';

const SECTOR = 512;

export interface LifeShape {
  readonly name: string;
  readonly texts: OptionTexts;
  /** Bytes of the disk. */
  readonly size: number;
  /** Sectors of a raw image below; 0: none. */
  readonly backingSectors?: number;
  /** Settings of the open image, by QEMU's names. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly operations: number;
  /** How often each kind of operation comes. */
  readonly weights: Readonly<Partial<Record<LifeOperation, number>>>;
  /** Of the events of an operation with none of these, only one in eight is cut at. */
  readonly focus?: readonly Feature[];
  /** The file to begin with, all zeros to the guest; absent: a new image. */
  readonly start?: () => { read(at: number, into: Uint8Array): void; readonly size: number };
}

export type LifeOperation =
  | 'write'
  | 'zero'
  | 'discard'
  | 'compressed'
  | 'flush'
  | 'reopen'
  | 'grow'
  | 'shrink'
  | 'snapshot'
  | 'apply'
  | 'delete'
  | 'width'
  | 'bitmap';

export interface Tally {
  /** Crashes that were played. */
  cuts: number;
  /** Of these: in part, in any order. */
  reordered: number;
  /** Operations that were refused, as they may be (a count that cannot be stored). */
  refused: number;
  /** Crashes that left leaks, and entries that are not marked as the only reference though they are. */
  leaky: number;
  unmarked: number;
  readonly events: Map<Feature, number>;
  readonly hits: Map<Feature, number>;
}

export const newTally = (): Tally => ({
  cuts: 0,
  reordered: 0,
  refused: 0,
  leaky: 0,
  unmarked: 0,
  events: new Map(),
  hits: new Map(),
});

const add = (counts: Map<Feature, number>, features: Iterable<Feature>, by = 1): void => {
  for (const feature of features) counts.set(feature, (counts.get(feature) ?? 0) + by);
};

function finish(steps: Steps): void {
  while (!steps.next().done);
}

function flatCopyOf(device: { read(at: number, into: Uint8Array): void; readonly size: number }): FlatDevice {
  const bytes = new Uint8Array(device.size);
  const piece = 1 << 20;
  for (let at = 0; at < bytes.length; at += piece) device.read(at, bytes.subarray(at, at + piece));
  const flat = new FlatDevice();
  flat.write(0, bytes);
  return flat;
}

/**
 * Findings that a crash must not leave. An entry whose COPIED mark is missing, or that carries it while the stored
 * count alone is too high, is harmless: the next write copies once too often, or a leak stays a leak.
 */
export function harm(report: CheckReport): { readonly corruptions: string[]; readonly unmarked: number } {
  const leaked = new Map<number, number>();
  for (const { severity, counts } of report.findings) {
    if (severity === 'leak' && counts) leaked.set(counts.cluster, counts.references);
  }
  const corruptions: string[] = [];
  let unmarked = 0;
  for (const { severity, text, copied } of report.findings) {
    if (severity !== 'corruption') continue;
    const marked = copied !== undefined && (copied.entry & (1n << 63n)) !== 0n;
    if (copied && !marked && copied.stored === 1) unmarked++;
    else corruptions.push(text);
  }
  if (report.corruptions > corruptions.length + unmarked) corruptions.push(`${report.corruptions} in all`);
  return { corruptions, unmarked };
}

/** A life: the image, its recorder, the model beside it. */
export class CrashLife {
  readonly #shape: LifeShape;
  readonly #random: Random;
  readonly #tally: Tally;
  readonly #recorder: RecordingDevice;
  readonly #states: CrashStates;
  readonly #model: DiskModel;
  readonly #backing: Chain | undefined;
  /** What the engine has written, whatever order the recorder tells. */
  readonly #file: FlatDevice;
  readonly #buffer: Uint8Array;
  #image: WritableImage;
  #step = 0;
  #names = 0;

  constructor(shape: LifeShape, random: Random, tally: Tally, order: Order = 'true') {
    this.#shape = shape;
    this.#random = random;
    this.#tally = tally;
    const start = shape.start?.() ?? newImage({ ...shape.texts, size: `${shape.size}` });
    this.#file = flatCopyOf(start);
    this.#recorder = new RecordingDevice(this.#file, order);
    this.#states = new CrashStates(this.#file);
    const below = shape.backingSectors ?? 0;
    if (below > 0) this.#backing = [openRaw(memoryOf(sectorBytes(below, backingValue)))];
    const sectors = shape.size / SECTOR;
    this.#model = new DiskModel(Int32Array.from({ length: sectors }, (_, i) => this.#below(i)));
    this.#buffer = new Uint8Array(4 * shape.size + (1 << 20));
    this.#image = this.#open(this.#recorder);
  }

  /** Lives to the end; the first fault in words, undefined if there is none. */
  run(): string | undefined {
    const opening = this.#play('opening', ['write']);
    if (opening) return opening;
    while (this.#step < this.#shape.operations) {
      this.#step++;
      const fault = this.#one();
      if (fault) return `${this.#shape.name}, ${fault}`;
    }
    return undefined;
  }

  #below(sector: number): number {
    return sector < (this.#shape.backingSectors ?? 0) ? backingValue(sector) : 0;
  }

  #open(image: RecordingDevice | FlatDevice): WritableImage {
    const { settings } = this.#shape;
    return openForWriting(
      { image, ...(this.#backing ? { backing: this.#backing } : {}) },
      { unmap: true, ...(settings ? { texts: settings } : {}) },
    );
  }

  #one(): string | undefined {
    const kinds = Object.entries(this.#shape.weights).flatMap(([kind, weight]) => Array<string>(weight).fill(kind));
    const kind = this.#random.pick(kinds) as LifeOperation;
    const before = structuresOf(this.#file);
    const features: Feature[] = [];
    const text = this.#operate(kind, features);
    if (text === undefined) return undefined;
    const guestWrite = kind === 'write' || kind === 'zero' || kind === 'discard' || kind === 'compressed';
    features.push(...tableFeatures(before, structuresOf(this.#file), guestWrite));
    if (this.#shape.texts.lazy_refcounts === 'on') features.push('lazy refcounts');
    add(this.#tally.events, features);
    const fault = this.#play(`step ${this.#step}, ${text}`, features);
    if (fault) return fault;
    if (kind === 'flush' || kind === 'reopen') this.#model.flushed();
    return undefined;
  }

  /** Does one operation to image and model; its text, or undefined where there is nothing to do it to. */
  #operate(kind: LifeOperation, features: Feature[]): string | undefined {
    const random = this.#random;
    const model = this.#model;
    const { sectors } = model;
    const clusterSectors = Number(this.#shape.texts.cluster_size ?? 65536) / SECTOR;
    const stretch = (): [number, number] => {
      const at = random.once(2)
        ? random.below(sectors)
        : random.below(Math.ceil(sectors / clusterSectors)) * clusterSectors;
      const wanted = random.pick([1, 2, clusterSectors, clusterSectors + 1, 3 * clusterSectors, 9 * clusterSectors]);
      return [at, Math.min(wanted, sectors - at)];
    };
    const number = stepValue.bind(undefined, this.#step);
    switch (kind) {
      case 'write': {
        if (sectors === 0) return undefined;
        const [at, count] = stretch();
        this.#image.write(
          at * SECTOR,
          sectorBytes(count, (i) => number(at + i)),
        );
        model.put(at, count, number);
        features.push('write');
        return `write of ${count} sectors at ${at}`;
      }
      case 'zero': {
        if (sectors === 0) return undefined;
        const [at, count] = stretch();
        const unmap = random.once(2);
        this.#image.zero(at * SECTOR, count * SECTOR, unmap);
        model.put(at, count, () => 0);
        features.push('zero');
        return `zero${unmap ? ' unmap' : ''} of ${count} sectors at ${at}`;
      }
      case 'discard': {
        if (sectors === 0) return undefined;
        const [at, count] = stretch();
        this.#image.discard(at * SECTOR, count * SECTOR);
        const first = Math.ceil(at / clusterSectors) * clusterSectors;
        const end = at + count === sectors ? sectors : Math.floor((at + count) / clusterSectors) * clusterSectors;
        const nothing = this.#shape.texts.compat === '0.10' && this.#backing;
        if (first < end && !nothing) model.put(first, end - first, () => 0);
        features.push('discard');
        return `discard of ${count} sectors at ${at}`;
      }
      case 'compressed':
        return this.#compress(clusterSectors, features, number);
      case 'flush':
        this.#image.flush();
        return 'flush';
      case 'reopen':
        this.#image.close();
        this.#image = this.#open(this.#recorder);
        return 'reopen';
      case 'grow':
      case 'shrink':
        return this.#resize(kind, features);
      case 'snapshot':
      case 'apply':
      case 'delete':
        return this.#snapshots(kind, features);
      case 'width': {
        if (!this.#image.amend) throw new Error('refcount widths cannot be changed');
        const bits = random.pick([1, 2, 4, 8, 16, 32, 64]);
        return this.#orRefused(`refcounts of ${bits} bits`, () => {
          finish(this.#image.amend?.({ refcount_bits: `${bits}` }) as Steps);
          features.push('refcount width');
        });
      }
      case 'bitmap': {
        const name = `b${this.#names++}`;
        return this.#orRefused(`bitmap ${name}`, () => {
          if (!this.#image.bitmaps) throw new Error('there are no bitmaps');
          this.#image.bitmaps.add(name, {});
          if (this.#names > 3) this.#image.bitmaps.remove(`b${this.#names - 3}`);
          // Bitmaps are stored when the image is closed.
          this.#image.close();
          this.#image = this.#open(this.#recorder);
          features.push('bitmap');
        });
      }
    }
  }

  #orRefused(text: string, action: () => void): string {
    try {
      action();
      return text;
    } catch (thrown) {
      if (!(thrown instanceof DiskwrightError)) throw thrown;
      this.#tally.refused++;
      return `${text}, refused: ${thrown.message}`;
    }
  }

  #compress(clusterSectors: number, features: Feature[], number: (sector: number) => number): string | undefined {
    const { sectors } = this.#model;
    const at = this.#random.below(Math.ceil(sectors / clusterSectors)) * clusterSectors;
    const count = Math.min(clusterSectors, sectors - at);
    if (count === 0) return undefined;
    const extent = this.#image.locate(at * SECTOR, count * SECTOR);
    // Whatever has a place in the file is not written compressed.
    if (extent.kind !== 'absent' || extent.host !== undefined || extent.length < count * SECTOR) return undefined;
    writePacked(
      this.#image,
      at * SECTOR,
      sectorBytes(count, (i) => number(at + i)),
    );
    this.#model.put(at, count, number);
    features.push('compressed write');
    return `compressed write at ${at}`;
  }

  #resize(kind: 'grow' | 'shrink', features: Feature[]): string | undefined {
    const random = this.#random;
    const { sectors } = this.#model;
    if (!this.#image.resize) throw new Error('the size cannot be changed');
    const most = (4 * this.#shape.size) / SECTOR;
    const perCluster = Number(this.#shape.texts.cluster_size ?? 65536) / SECTOR;
    // What is cut off a cluster would show again when the disk grows, here as in QEMU.
    const shorter = Math.floor(random.below(sectors + 1) / perCluster) * perCluster;
    const target = kind === 'grow' ? sectors + random.between(1, 100) : shorter;
    if (target > most || target === sectors) return undefined;
    const preallocation =
      kind === 'grow' && random.once(3) ? random.pick(['metadata', 'falloc', 'full'] as const) : 'off';
    const text = `resize to ${target} sectors, preallocation ${preallocation}`;
    return this.#orRefused(text, () => {
      finish(this.#image.resize?.({ size: target * SECTOR, preallocation }) as Steps);
      this.#model.resize(target, (sector) => [0, this.#below(sector)]);
      features.push(kind === 'grow' ? 'resize up' : 'resize down');
      if (preallocation !== 'off') features.push('preallocation');
    });
  }

  #snapshots(kind: 'snapshot' | 'apply' | 'delete', features: Feature[]): string | undefined {
    const control = this.#image.snapshots;
    if (!control) throw new Error('there are no snapshots');
    const list = this.#model.snapshots;
    if (kind === 'snapshot') {
      if (list.length >= 4) return undefined;
      const name = `s${this.#names++}`;
      return this.#orRefused(`snapshot ${name}`, () => {
        finish(control.create(name, { seconds: 1_700_000_000 + this.#step, nanoseconds: 0 }));
        this.#model.takeSnapshot(name);
        features.push('snapshot create');
      });
    }
    if (list.length === 0) return undefined;
    const index = this.#random.below(list.length);
    const name = list[index]?.name ?? '';
    return this.#orRefused(`${kind} ${name}`, () => {
      if (kind === 'apply') {
        finish(control.apply(name));
        this.#model.applySnapshot(index, (sector) => [0, this.#below(sector)]);
        features.push('snapshot apply');
      } else {
        finish(control.delete(name));
        this.#model.dropSnapshot(index);
        features.push('snapshot delete');
      }
    });
  }

  /** Plays the crashes of the events since the last call. */
  #play(what: string, features: readonly Feature[]): string | undefined {
    const events = this.#recorder.take();
    const { focus } = this.#shape;
    const wanted = !focus || features.some((feature) => focus.includes(feature));
    let cuts = 0;
    for (const [i, event] of events.entries()) {
      this.#states.advance(event);
      if (event.kind === 'flush' || (!wanted && !this.#random.once(8))) continue;
      const crashes = [{ how: 'all of them written', file: this.#states.written() }];
      for (const crash of crashes) {
        const fault = this.#fault(crash.file);
        cuts++;
        if (fault) return `${what}, cut after event ${i + 1} of ${events.length}, ${crash.how}: ${fault}`;
      }
      if (this.#states.uncertain < 2) continue;
      const fault = this.#fault(this.#states.inPart(this.#random));
      cuts++;
      this.#tally.reordered++;
      if (fault) return `${what}, cut after event ${i + 1} of ${events.length}, a part of them written: ${fault}`;
    }
    this.#tally.cuts += cuts;
    add(this.#tally.hits, features, cuts);
    return undefined;
  }

  /** Opens what a crash has left and looks at all of it. */
  #fault(file: FlatDevice): string | undefined {
    let image: WritableImage;
    try {
      image = this.#open(file);
    } catch (thrown) {
      return `it does not open: ${thrown instanceof Error ? thrown.stack : thrown}`;
    }
    const report = checkAtOnce(file);
    const { corruptions, unmarked } = harm(report);
    if (corruptions.length > 0) return `${report.corruptions} corruptions: ${corruptions.slice(0, 3).join('; ')}`;
    if (report.leaks > 0) this.#tally.leaky++;
    if (unmarked > 0) {
      this.#tally.unmarked++;
      // Version 2 has no bit to say that a repair is due.
      if (this.#shape.texts.compat !== '0.10') return `${unmarked} entries are not marked`;
    }
    let disk: Int32Array;
    try {
      disk = this.#disk(image);
    } catch (thrown) {
      return `it cannot be read: ${thrown instanceof Error ? thrown.message : thrown}`;
    }
    const wrong = this.#model.fault(disk);
    if (wrong) return wrong;
    return this.#shape.weights.snapshot ? this.#snapshotFault(image) : undefined;
  }

  #disk(image: WritableImage): Int32Array {
    const chain: Chain = [image, ...(this.#backing ?? [])];
    const bytes = this.#buffer.subarray(0, image.virtualSize);
    const piece = 1 << 22;
    for (let at = 0; at < bytes.length; at += piece) readGuest(chain, at, bytes.subarray(at, at + piece));
    return new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  }

  /** Which snapshots there are, and now and then what they hold. */
  #snapshotFault(image: WritableImage): string | undefined {
    const names = image.snapshots?.list().map(({ name }) => name) ?? [];
    const list = this.#model.listNamed(names);
    if (!list) return `snapshots ${names.join(', ')} are listed`;
    if (list.length === 0 || !this.#random.once(4)) return undefined;
    const saved = this.#random.pick(list);
    try {
      finish(image.snapshots?.apply(saved.name) as Steps);
    } catch (thrown) {
      // A count that one more reference would not fit into.
      if (thrown instanceof DiskwrightError) return undefined;
      throw thrown;
    }
    const difference = savedDifference(this.#disk(image), saved);
    return difference < 0 ? undefined : `snapshot ${saved.name} has lost sector ${difference}`;
  }
}

function memoryOf(bytes: Uint8Array): FlatDevice {
  const device = new FlatDevice();
  device.write(0, bytes);
  return device;
}
