/** Opens the image that was meant and everything it rests on, as far as the files for it were given. */
import type { SectorCipher } from '../../engine/crypto/sector-cipher.ts';
import type { ReadableDevice } from '../../engine/device/device.ts';
import { DiskwrightError } from '../../engine/errors.ts';
import { findFormat } from '../../engine/formats/index.ts';
import type { Chain } from '../../engine/image/access.ts';
import type { BackingReference } from '../../engine/image/format.ts';
import type { OpenImage, ReadSettings } from '../../engine/image/image.ts';
import { type Recognised, recognise } from '../../jobs/recognise.ts';
import { unlockDisk } from '../../jobs/unlock.ts';
import { answered } from '../../platform/browser/derive-keys.ts';
import type { LayerReport, LockedImage, MissingFile, SuppliedFile, Trouble } from './protocol.ts';
import { findSupplied, type Named, neverAFile, topOf } from './supplied.ts';

const MAX_CHAIN = 200;

/** A file that was recognised; every use of it has a device of its own. */
export interface Source extends Recognised {
  readonly supplied: SuppliedFile;
  readonly name: string;
  readonly device: ReadableDevice;
}

export type OpenDevice = (supplied: SuppliedFile) => Promise<ReadableDevice>;

export interface OpenedLayers {
  readonly top: Source;
  /** Where the images of the chain come from, in its order. */
  readonly sources: readonly Source[];
  /** Devices of everything, for closing and counting. */
  readonly below: readonly LayerReport[];
  readonly missing: readonly MissingFile[];
  readonly locked: readonly LockedImage[];
  /** What opens the disk of the image that was meant. */
  readonly cipher?: SectorCipher;
  readonly spare: readonly string[];
  /** Complete, or it is not there. */
  readonly chain?: Chain;
  readonly diskProblem?: Trouble;
}

export function troubleOf(error: unknown): Trouble {
  if (!(error instanceof DiskwrightError)) throw error;
  return { message: error.message, ...(error.fix === undefined ? {} : { fix: error.fix }) };
}

/** What `read` gives, undefined where the image is too damaged for it. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof DiskwrightError) return undefined;
    throw error;
  }
}

async function sourceOf(supplied: SuppliedFile, open: OpenDevice): Promise<Source> {
  const device = await open(supplied);
  return { ...(await recognise(device, supplied.file.name)), supplied, name: supplied.file.name, device };
}

function namesIn({ driver, device }: Source): readonly string[] {
  const backing = attempt(() => driver.backing?.(device))?.name;
  const data = attempt(() => driver.dataFile?.(device));
  return [backing, data].filter((name) => name !== undefined && name !== '') as string[];
}

/** The source with the format that the image above says it has. */
async function asSaid(source: Source, format: string | undefined): Promise<Source> {
  if (format === undefined || format === source.spec.name) return source;
  const spec = findFormat(format === 'file' || format === 'host_device' ? 'raw' : format);
  if (!spec) {
    throw new DiskwrightError('unsupported', `${source.name}: images of the format "${format}" cannot be opened here.`);
  }
  return { ...source, spec, driver: await spec.load() };
}

const reportOf = (source: Source, role: LayerReport['role']): LayerReport => {
  const virtualSize = role === 'data file' ? undefined : attempt(() => source.driver.virtualSize(source.device));
  return {
    role,
    name: source.name,
    length: source.device.size,
    format: source.spec.name,
    ...(virtualSize === undefined ? {} : { virtualSize }),
  };
};

class ChainBuilder {
  readonly below: LayerReport[] = [];
  readonly missing: MissingFile[] = [];
  readonly locked: LockedImage[] = [];
  cipher: SectorCipher | undefined;
  readonly used = new Set<File>();
  readonly opened: Source[] = [];
  readonly #images: OpenImage[] = [];
  readonly #sources: readonly Source[];
  readonly #settings: ReadSettings;
  readonly #signal: AbortSignal;
  problem: Trouble | undefined;

  /** `settings`: for the first image. */
  constructor(sources: readonly Source[], settings: ReadSettings, signal: AbortSignal) {
    this.#signal = signal;
    this.#sources = sources;
    this.#settings = settings;
  }

  #find(role: MissingFile['role'], name: string, by: string, format?: string): Source | undefined {
    const supplied = findSupplied(
      this.#sources.map((one) => one.supplied),
      this.used,
      name,
    );
    if (supplied) {
      this.used.add(supplied.file);
      return this.#sources.find((one) => one.supplied === supplied);
    }
    const never = neverAFile(name);
    this.missing.push({
      role,
      name,
      by,
      ...(format === undefined ? {} : { format }),
      ...(never === undefined ? {} : { never }),
    });
    return undefined;
  }

  /** What its passphrase opens the disk with; without one its tables can still be read. */
  async #unlock({ driver, device, name, supplied }: Source): Promise<SectorCipher | undefined> {
    const lock = driver.lock?.(device);
    if (!lock) return undefined;
    const { passphrase } = supplied;
    if (!passphrase) {
      this.locked.push({ name, kind: lock.kind, wrong: false });
      return undefined;
    }
    try {
      return await answered(unlockDisk(device, lock, passphrase), { signal: this.#signal });
    } catch (error) {
      if (!(error instanceof DiskwrightError) || error.kind !== 'passphrase') throw error;
      this.locked.push({ name, kind: lock.kind, wrong: true });
      return undefined;
    }
  }

  async #openOne(source: Source): Promise<void> {
    const { driver, device, spec, name } = source;
    if (!driver.open) {
      const message = `${name}: the disk in images of the format ${spec.name} cannot be read here so far.`;
      throw new DiskwrightError('unsupported', message);
    }
    const dataName = driver.dataFile?.(device);
    let data: ReadableDevice | undefined;
    if (dataName !== undefined) {
      const found = this.#find('data file', dataName, name);
      if (found) this.below.push(reportOf(found, 'data file'));
      data = found?.device;
      if (!data) return;
    }
    const cipher = await this.#unlock(source);
    const isTop = this.#images.length === 0;
    const settings = isTop ? this.#settings : {};
    if (isTop) this.cipher = cipher;
    this.#images.push(driver.open({ image: device, data }, { ...settings, cipher }));
    this.opened.push(source);
  }

  async build(top: Source): Promise<Chain | undefined> {
    this.used.add(top.supplied.file);
    try {
      let source: Source | undefined = top;
      for (let depth = 0; source; depth++) {
        if (depth >= MAX_CHAIN)
          throw new DiskwrightError('unsupported', `More than ${MAX_CHAIN} images rest on each other.`);
        const reference: BackingReference | undefined = source.driver.backing?.(source.device);
        await this.#openOne(source);
        if (!reference || reference.name === '') break;
        const found = this.#find('backing image', reference.name, source.name, reference.format);
        source = found && (await asSaid(found, reference.format));
        if (source) this.below.push(reportOf(source, 'backing image'));
      }
    } catch (error) {
      this.problem = troubleOf(error);
      return undefined;
    }
    const [first, ...rest] = this.#images;
    return this.missing.length > 0 || !first ? undefined : [first, ...rest];
  }
}

/** `settings`: how the disk of the image that was meant is read. */
export async function openLayers(
  files: readonly SuppliedFile[],
  open: OpenDevice,
  signal: AbortSignal,
  settings: ReadSettings = {},
): Promise<OpenedLayers> {
  const sources: Source[] = [];
  for (const supplied of files) sources.push(await sourceOf(supplied, open));
  const named: Named[] = sources.map((source) => ({ supplied: source.supplied, names: namesIn(source) }));
  const top = sources.find(({ supplied }) => supplied === topOf(named)?.supplied);
  if (!top) throw new DiskwrightError('io', 'No file was given.');
  const builder = new ChainBuilder(sources, settings, signal);
  const chain = await builder.build(top);
  return {
    top,
    sources: builder.opened,
    below: builder.below,
    missing: builder.missing,
    locked: builder.locked,
    ...(builder.cipher ? { cipher: builder.cipher } : {}),
    spare: sources.filter(({ supplied }) => !builder.used.has(supplied.file)).map(({ name }) => name),
    ...(chain ? { chain } : {}),
    ...(builder.problem ? { diskProblem: builder.problem } : {}),
  };
}
