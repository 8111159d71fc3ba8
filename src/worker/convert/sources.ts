/** Opens the disks of a conversion: from files that were given, with everything that they rest on. */
import { DiskwrightError } from '../../engine/errors.ts';
import type { Chain } from '../../engine/image/access.ts';
import type { Source } from '../../jobs/convert/stretches.ts';
import { PrefetchedFile } from '../../platform/browser/prefetched-file.ts';
import type { OpenOrder, SuppliedFile } from '../open/protocol.ts';
import { type OnProgress, Session } from '../open/session.ts';
import type { ConvertOrder } from './protocol.ts';

export interface OpenedSources {
  readonly sources: readonly Source[];
  readonly backing: Chain | undefined;
  readonly virtualSize: number;
  /** Length of the files together. */
  readonly length: number;
  close(): Promise<void>;
}

const makeDevice = (file: File): PrefetchedFile => new PrefetchedFile(file);

function refuseWrapped({ top, wrapping }: Session): void {
  if (!wrapping) return;
  throw new DiskwrightError('unsupported', `${top.name} is no disk image but may hold one.`, {
    fix: 'Unpack it first, then convert what is in it.',
  });
}

function sourceOf(session: Session): Source {
  refuseWrapped(session);
  const { chain, layers } = session;
  const clusterSizes = layers.sources.map(({ driver, device }) => driver.describe?.(device).clusterSize);
  return { chain, clusterSizes };
}

function settingsOf({ snapshot, sources }: ConvertOrder) {
  if (!snapshot) return {};
  if (sources.length > 1) {
    throw new DiskwrightError('invalid-option', 'A snapshot of one image is meant, and several are given.');
  }
  return { settings: { snapshot } };
}

async function openBacking(
  files: readonly SuppliedFile[],
  format: string | undefined,
  onProgress: OnProgress,
  signal: AbortSignal,
): Promise<{ session: Session; chain: Chain }> {
  const session = await Session.open({ id: 'backing', files }, onProgress, signal);
  try {
    const { top } = session;
    if (format !== undefined && format !== top.spec.name) {
      throw new DiskwrightError('invalid-option', `The backing image is ${top.spec.name}, not ${format}.`, {
        option: 'backing_fmt',
        fix: `Say that it is ${top.spec.name}.`,
      });
    }
    return { session, chain: session.chain };
  } catch (error) {
    await session.close();
    throw error;
  }
}

/** Throws what keeps a disk from being read. */
export async function openSources(
  order: ConvertOrder,
  onProgress: OnProgress,
  signal: AbortSignal,
): Promise<OpenedSources> {
  const sessions: Session[] = [];
  const close = async (): Promise<void> => {
    for (const session of sessions.splice(0)) await session.close();
  };
  try {
    const opening = { ...settingsOf(order), makeDevice };
    const sources: Source[] = [];
    for (const one of order.sources satisfies readonly OpenOrder[]) {
      const session = await Session.open(one, onProgress, signal, opening);
      sessions.push(session);
      if (order.snapshot && session.report().snapshots.length === 0) {
        throw new DiskwrightError('invalid-option', `${session.top.name} has no snapshots.`);
      }
      sources.push(sourceOf(session));
    }
    let backing: Chain | undefined;
    const { backing_file: name, backing_fmt: format } = order.texts;
    if (name !== undefined) {
      if (sources.length > 1) {
        throw new DiskwrightError('invalid-option', 'A backing file cannot stand behind several disks at once.', {
          option: 'backing_file',
        });
      }
      if (!order.backing || order.backing.length === 0) {
        throw new DiskwrightError('invalid-option', `The backing image ${name} is not here.`, {
          option: 'backing_file',
          fix: 'Give its file, too: what it has is left out of the new image.',
        });
      }
      const opened = await openBacking(order.backing, format, onProgress, signal);
      sessions.push(opened.session);
      backing = opened.chain;
    }
    const length = order.sources.flatMap(({ files }) => files).reduce((sum, { file }) => sum + file.size, 0);
    const virtualSize = sources.reduce((sum, { chain }) => sum + chain[0].virtualSize, 0);
    return { sources, backing, virtualSize, length, close };
  } catch (error) {
    await close();
    throw error;
  }
}
