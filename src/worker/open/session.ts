/** One image that is being looked at: its devices, its chain, and what has been found out about it. */
import type { ReadableDevice } from '../../engine/device/device.ts';
import { DiskwrightError } from '../../engine/errors.ts';
import { type Chain, readGuest } from '../../engine/image/access.ts';
import type { ImageDescription } from '../../engine/image/description.ts';
import type { DiskBytes } from '../../engine/image/disk-bytes.ts';
import type { Exploration, FormatExplorer } from '../../engine/image/exploration.ts';
import type { ReadSettings } from '../../engine/image/image.ts';
import { type DiskLayout, readDiskLayout } from '../../engine/image/partitions.ts';
import { type Wrapping, wrappingOf } from '../../engine/image/wrappings.ts';
import { infoFacts } from '../../jobs/info-facts.ts';
import { qemuJson } from '../../jobs/qemu-json.ts';
import { readersOf } from '../../jobs/readers.ts';
import { FileDevice } from '../../platform/browser/file-device.ts';
import { type OpenedLayers, openLayers, type Source, troubleOf } from './layers.ts';
import type { OpenOrder, OpenReport, SuppliedFile, Trouble } from './protocol.ts';
import { type Unpacked, unpackGzip } from './unpack.ts';

export type OnProgress = (phase: string, done: number, total: number) => void;

export interface Opening {
  /** How the disk is read. */
  readonly settings?: ReadSettings;
  readonly makeDevice?: (file: File) => FileDevice;
}

/** A disk read through its chain, at any place and length. */
export const diskBytes = (chain: Chain): DiskBytes => ({
  size: chain[0].virtualSize,
  read: (at, into) => readGuest(chain, at, into),
});

/** What was unpacked is there once: a use of it that ends must not take it from the others. */
const keptOpen = (device: ReadableDevice): ReadableDevice => ({
  get size() {
    return device.size;
  },
  read: (at, into) => device.read(at, into),
  runs: (at, length) => device.runs(at, length),
  close: () => {},
});

export class Session {
  readonly #unpacked = new Map<File, Unpacked>();
  readonly #devices = new Set<ReadableDevice>();
  /** By uses that have ended. */
  #readBefore = 0;
  #layers: OpenedLayers | undefined;
  #wrapping: Wrapping | undefined;
  #explorer: FormatExplorer | undefined;
  #exploration: Exploration | undefined;
  #look: ReadableDevice | undefined;
  /** All tables have been read. */
  mapped = false;

  readonly #makeDevice: (file: File) => FileDevice;

  private constructor(makeDevice: (file: File) => FileDevice) {
    this.#makeDevice = makeDevice;
  }

  static async open(
    order: OpenOrder,
    onProgress: OnProgress,
    signal: AbortSignal,
    { settings = {}, makeDevice = (file) => new FileDevice(file) }: Opening = {},
  ): Promise<Session> {
    const session = new Session(makeDevice);
    try {
      for (const { file } of order.files) await session.#unpack(file, onProgress, signal);
      session.#layers = await openLayers(order.files, async (supplied) => session.device(supplied), signal, settings);
      const { top } = session.#layers;
      if (top.spec.name === 'raw') session.#wrapping = wrappingOf(top.device);
      session.#explorer = await top.driver.explorer?.();
      return session;
    } catch (error) {
      await session.close();
      throw error;
    }
  }

  get layers(): OpenedLayers {
    if (!this.#layers) throw new Error('internal error: a session that is not open');
    return this.#layers;
  }

  /** It is no image, but may hold one. */
  get wrapping(): Wrapping | undefined {
    return this.#wrapping;
  }

  get top(): Source {
    return this.layers.top;
  }

  /** Name of the image itself: of what was unpacked. */
  get name(): string {
    const { supplied, name } = this.top;
    return this.#unpacked.has(supplied.file) ? name.replace(/\.gz$/i, '') : name;
  }

  /** A device of its own for a use of a file: two users would take each other's window away. */
  device(supplied: SuppliedFile): ReadableDevice {
    const unpacked = this.#unpacked.get(supplied.file);
    if (unpacked) return keptOpen(unpacked.device);
    const device = this.#makeDevice(supplied.file);
    this.#devices.add(device);
    return device;
  }

  /** A use of a file has ended. */
  release(device: ReadableDevice): void {
    if (!this.#devices.delete(device)) return;
    if (device instanceof FileDevice) this.#readBefore += device.bytesRead;
    device.close();
  }

  /** The image file for short looks. */
  get look(): ReadableDevice {
    this.#look ??= this.again();
    return this.#look;
  }

  /** The image file once more. */
  again(): ReadableDevice {
    return this.device(this.top.supplied);
  }

  get bytesRead(): number {
    let sum = this.#readBefore;
    for (const device of this.#devices) if (device instanceof FileDevice) sum += device.bytesRead;
    return sum;
  }

  get chain(): Chain {
    const { chain, missing, diskProblem } = this.layers;
    if (chain) return chain;
    const [file] = missing;
    if (file) throw new DiskwrightError('io', `The disk reads through ${file.name}, which is not here.`);
    throw new DiskwrightError('corrupt', diskProblem?.message ?? 'The disk cannot be read.');
  }

  /** The way into the file's clusters. Throws where there is none. */
  get exploration(): Exploration {
    if (this.#exploration) return this.#exploration;
    if (!this.#explorer) {
      const { name } = this.top.spec;
      throw new DiskwrightError('unsupported', `The clusters of images of the format ${name} cannot be drawn so far.`);
    }
    this.#exploration = this.#explorer.explore(this.again());
    return this.#exploration;
  }

  /** Whether there is a way into the file's clusters. */
  get canExplore(): boolean {
    if (!this.#explorer) return false;
    try {
      return this.exploration !== undefined;
    } catch (error) {
      if (error instanceof DiskwrightError) return false;
      throw error;
    }
  }

  /** After a walk that was cancelled half-way. */
  forgetExploration(): void {
    this.#exploration = undefined;
    this.mapped = false;
  }

  get headerFields(): FormatExplorer['headerFields'] | undefined {
    return this.#explorer?.headerFields;
  }

  async #unpack(file: File, onProgress: OnProgress, signal: AbortSignal): Promise<void> {
    const device = new FileDevice(file);
    const packed = wrappingOf(device)?.gzip === true;
    device.close();
    if (!packed) return;
    const tell = (done: number, total: number): void => onProgress(`Unpacking ${file.name}`, done, total);
    this.#unpacked.set(file, await unpackGzip(file, tell, signal));
  }

  report(): OpenReport {
    const { top, below, missing, locked, spare, diskProblem } = this.layers;
    const { driver, device, spec, reason } = top;
    let description: ImageDescription | undefined;
    let virtualSize: number | undefined;
    let problem: Trouble | undefined;
    try {
      description = driver.describe?.(device);
      virtualSize = description?.virtualSize ?? driver.virtualSize(device);
    } catch (error) {
      problem = troubleOf(error);
    }
    const { name } = this;
    const format = spec.name;
    const dataFile = description?.specific?.data['data-file'];
    const disk = problem || this.#wrapping ? {} : this.#disk();
    return {
      name,
      length: device.size,
      ...this.#packedFacts(),
      format,
      label: spec.label,
      reason,
      ...(this.#wrapping ? { wrapping: this.#wrapping } : {}),
      ...(virtualSize === undefined ? {} : { virtualSize }),
      ...(description?.clusterSize === undefined ? {} : { clusterSize: description.clusterSize }),
      encrypted: description?.encrypted ?? false,
      dirty: description?.dirty ?? false,
      ...(description?.specific ? { facts: description.specific.data } : {}),
      snapshots: description?.snapshots ?? [],
      ...(typeof dataFile === 'string' ? { dataFile } : {}),
      ...(description && !this.#wrapping ? { json: this.#json(name, format, description) } : {}),
      below,
      missing,
      locked,
      spare,
      ...(problem ? { problem } : {}),
      ...(diskProblem && !problem ? { diskProblem } : {}),
      ...disk,
      readers:
        problem || this.#wrapping
          ? []
          : readersOf({
              name,
              format,
              missing: missing.map((one) => one.name),
              ...(description ? { description } : {}),
              ...(typeof dataFile === 'string' ? { dataFile } : {}),
            }),
      can: {
        map: this.canExplore,
        check: driver.check !== undefined,
      },
    };
  }

  #packedFacts(): Pick<OpenReport, 'packed'> {
    const { file } = this.top.supplied;
    const unpacked = this.#unpacked.get(file);
    if (!unpacked) return {};
    const note = unpacked.note === undefined ? {} : { note: unpacked.note };
    return { packed: { name: file.name, length: file.size, ...note } };
  }

  /** Where the browser puts it nobody knows, so the full name of the backing file is what stands there. */
  #json(name: string, format: string, description: ImageDescription): string {
    const { backing } = description;
    return qemuJson(infoFacts({ name, format, description, ...(backing ? { fullBackingName: backing.name } : {}) }));
  }

  #disk(): { disk?: DiskLayout; diskProblem?: Trouble } {
    const { chain, locked } = this.layers;
    if (!chain) return {};
    if (locked.length > 0) return { diskProblem: { message: 'The disk is encrypted.' } };
    try {
      return { disk: readDiskLayout(diskBytes(chain)) };
    } catch (error) {
      return { diskProblem: troubleOf(error) };
    }
  }

  async close(): Promise<void> {
    for (const device of this.#devices) device.close();
    for (const unpacked of this.#unpacked.values()) await unpacked.remove();
  }
}
