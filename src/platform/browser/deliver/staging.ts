/**
 * Files staged in the origin's private file system. Nobody tells when a download of one is complete, so
 * it stays while the worker that made it lives; each file has a Web Lock of its name, held as long. A
 * later start removes what no lock protects, and so never what a second tab is saving.
 */
import { formatBytes } from '../../../engine/bytes/units.ts';
import { DiskwrightError } from '../../../engine/errors.ts';
import { OpfsDevice } from '../opfs-device.ts';

const FOLDER = 'diskwright-staging';
/** A staged file of this worker is taken away at a later staging, so long after it was offered as a download. */
const KEPT_MS = 10 * 60 * 1000;
/** A slow download goes at this rate: bytes in a millisecond. */
const SLOW = 20_000;

export interface Staged {
  readonly file: FileSystemFileHandle;
  readonly device: OpfsDevice;
  /** It is finished, and a download of it begins about now. Before that only `remove` takes it away. */
  offered(): void;
  remove(): Promise<void>;
}

interface Entry {
  readonly name: string;
  /** When it may go. */
  until: number;
  readonly release: () => void;
}

const mine = new Set<Entry>();

const folder = async () => (await navigator.storage.getDirectory()).getDirectoryHandle(FOLDER, { create: true });

const lockName = (name: string) => `${FOLDER}/${name}`;

/** Holds the lock until the returned function is called or the worker ends. */
function hold(name: string): Promise<() => void> {
  return new Promise((resolve, reject) => {
    navigator.locks.request(lockName(name), () => new Promise<void>((release) => resolve(release))).catch(reject);
  });
}

async function removeEntry(entry: Entry): Promise<void> {
  mine.delete(entry);
  await (await folder()).removeEntry(entry.name).catch(() => {});
  entry.release();
}

/** Removes what earlier runs left. */
export async function removeLeftovers(): Promise<void> {
  const directory = await folder();
  for await (const name of directory.keys()) {
    await navigator.locks.request(lockName(name), { ifAvailable: true }, async (lock) => {
      if (lock) await directory.removeEntry(name).catch(() => {});
    });
  }
}

async function make(): Promise<Staged> {
  const name = crypto.randomUUID();
  const entry: Entry = { name, until: Number.POSITIVE_INFINITY, release: await hold(name) };
  mine.add(entry);
  try {
    const file = await (await folder()).getFileHandle(name, { create: true });
    const device = await OpfsDevice.open(file);
    const offered = (): void => {
      entry.until = Date.now() + KEPT_MS + device.size / SLOW;
    };
    return { file, device, offered, remove: () => removeEntry(entry) };
  } catch (error) {
    await removeEntry(entry);
    throw error;
  }
}

/** Whether a synchronous handle really works here: in some browsers it exists and throws. */
export async function stagingWorks(): Promise<boolean> {
  try {
    const probe = await make();
    try {
      probe.device.resize(1);
      return true;
    } finally {
      probe.device.close();
      await probe.remove();
    }
  } catch {
    return false;
  }
}

/** An empty staged file with room for `length` bytes; the quota counts its length, holes too. */
export async function stage(length: number): Promise<Staged> {
  for (const entry of [...mine]) if (Date.now() > entry.until) await removeEntry(entry);
  const { quota, usage } = await navigator.storage.estimate();
  const free = quota === undefined ? Number.POSITIVE_INFINITY : quota - (usage ?? 0);
  if (length > free) {
    throw new DiskwrightError(
      'no-space',
      `The file needs ${formatBytes(length)} in this browser's storage, which has ${formatBytes(Math.max(0, free))} left.`,
      { fix: 'Make a smaller image, or save with a browser that lets you pick the file.' },
    );
  }
  return await make();
}
