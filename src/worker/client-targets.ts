/**
 * Opens what only the page can open for saving: the picker, the service worker. A way that turns out not to
 * work gives way to the next one in the chain.
 *
 * Two large files (an image and its data file) may ask for two pickers. Both are opened up front, while the
 * click still counts; a browser that opens only one of them gets the second file as a download.
 */
import { DiskwrightError } from '../engine/errors.ts';
import { type Capabilities, chooseSink, possibleSinks, type Sink } from '../platform/browser/deliver/choose.ts';
import { removePicked } from '../platform/browser/deliver/picked-handle.ts';
import { pickFile } from '../platform/browser/deliver/picker.ts';
import { openStream, type StreamTarget } from '../platform/browser/deliver/stream-target.ts';
import type { SaveOrder } from './engine-client.ts';
import type { PlannedFile, Target } from './protocol.ts';

/** What decides how a file is saved. */
export type SavingWish = Pick<SaveOrder, 'gzip' | 'sink'>;

export interface OpenTarget {
  readonly target: Target;
  readonly stream?: StreamTarget;
}

function sinksFor(order: SavingWish, file: PlannedFile, can: Capabilities): readonly Sink[] {
  const facts = { ...file, gzip: order.gzip };
  const sinks = possibleSinks(facts, can);
  if (order.sink !== undefined && sinks.includes(order.sink)) return [order.sink];
  if (sinks.length > 0 && order.sink === undefined) return sinks;
  const { note } = chooseSink(
    facts,
    sinks.length > 0 ? { ...can, picker: false, serviceWorker: false, opfs: false } : can,
  );
  throw new DiskwrightError('out-of-range', note, { option: 'size' });
}

async function open(sink: Sink, order: SavingWish, file: PlannedFile, ping: number): Promise<OpenTarget | undefined> {
  if (sink === 'picked') {
    const handle = await pickFile(file.name);
    return handle && { target: { sink, handle } };
  }
  if (sink === 'stream') {
    const type = order.gzip ? 'application/gzip' : 'application/octet-stream';
    // Without a working service worker the next sink takes over.
    const stream = await openStream(file.name, type, order.gzip || file.atMost ? undefined : file.length, ping).catch(
      () => undefined,
    );
    return stream && { target: { sink, port: stream.port, pingInterval: ping }, stream };
  }
  return { target: { sink } };
}

/** Takes back what was opened for nothing. */
export async function dropTargets(targets: readonly OpenTarget[]): Promise<void> {
  for (const { target, stream } of targets) {
    stream?.end();
    if (target.sink === 'picked') await removePicked(target.handle);
  }
}

export async function openTargets(
  order: SavingWish,
  files: readonly PlannedFile[],
  can: Capabilities,
  pingInterval: number,
): Promise<OpenTarget[]> {
  const chains = files.map((file) => ({ file, sinks: sinksFor(order, file, can) }));
  const opened: OpenTarget[] = [];
  try {
    for (const { file, sinks } of chains) {
      let target: OpenTarget | undefined;
      for (const sink of sinks) {
        target = await open(sink, order, file, pingInterval);
        if (target) break;
      }
      if (!target) throw new DiskwrightError('io', `No way to save "${file.name}" works in this browser now.`);
      opened.push(target);
    }
    return opened;
  } catch (error) {
    await dropTargets(opened);
    throw error;
  }
}
