/** Saves a change: delivers what was carried out, checks the result, and leaves nothing where that fails. */
import type { ReadableDevice } from '../../engine/device/device.ts';
import { DiskwrightError } from '../../engine/errors.ts';
import type { CarriedOut } from '../../jobs/change/carry-out.ts';
import type { PickedHandle } from '../../platform/browser/deliver/picked-handle.ts';
import type { Finished } from '../../platform/browser/deliver/sink.ts';
import { FileDevice } from '../../platform/browser/file-device.ts';
import type { SelfCheck } from '../engine-client.ts';
import { openSink } from '../open-sink.ts';
import type { ProgressMeter } from '../progress-meter.ts';
import { cancelled, type JobEvent, type Target } from '../protocol.ts';
import { checkDevice } from '../self-check.ts';
import { deliver } from './deliver.ts';
import type { Change, ChangeReport } from './protocol.ts';

const PHASES: Readonly<Record<Target['sink'], string>> = {
  blob: 'Putting the file together',
  picked: 'Writing the file',
  stream: 'Streaming the file',
  opfs: "Putting the file together in the browser's storage",
};

export interface SaveJob {
  readonly done: CarriedOut;
  readonly change: Change;
  readonly fileName: string;
  readonly target: Target;
  readonly meter: ProgressMeter;
  readonly tell: (event: JobEvent) => void;
}

/** The overlay once more: who closes it must not take it from a second save. */
function keptOpen(device: ReadableDevice): ReadableDevice {
  return {
    size: device.size,
    read: (at, into) => device.read(at, into),
    runs: (at, length) => device.runs(at, length),
    close: () => {},
  };
}

/** Space that was asked for beforehand. */
const takesSpace = (change: Change): boolean =>
  change.kind === 'resize' && (change.preallocation === 'falloc' || change.preallocation === 'full');

async function write(job: SaveJob, signal: AbortSignal): Promise<Finished> {
  const { done, change, fileName, target, meter, tell } = job;
  const { overlay } = done;
  const sink = await openSink(target, 0, overlay.size, tell);
  try {
    meter.begin(PHASES[target.sink], fileName, 0, overlay.size);
    await deliver(
      { overlay, sink, keepZeros: takesSpace(change), progress: (at) => meter.update(at, overlay.size) },
      signal,
    );
    meter.begin('The browser is finishing the file', fileName, overlay.size, overlay.size);
    const finished = await sink.finish(overlay.size);
    if (signal.aborted) throw cancelled();
    return finished;
  } catch (error) {
    await sink.abort();
    throw signal.aborted ? cancelled() : error;
  }
}

/** Undefined also when it was cancelled: the file is saved by then. */
async function check(
  { done, fileName, meter }: SaveJob,
  file: Blob | undefined,
  signal: AbortSignal,
): Promise<SelfCheck | undefined> {
  meter.begin('Saved. Checking the image', fileName, 0, 1);
  const show = (part: number, total: number): void => meter.update(part, total);
  try {
    const device = file ? new FileDevice(file) : keptOpen(done.overlay);
    return await checkDevice(done.format, device, file ? 'file' : 'sent', show, signal);
  } catch (error) {
    if (signal.aborted) return undefined;
    const reason = error instanceof Error ? error.message : String(error);
    return { verdict: 'unread', findings: [reason], read: 'file' };
  }
}

/** Undefined where the file went elsewhere meanwhile: it is saved all the same. */
const savedAgain = (handle: PickedHandle): Promise<File | undefined> => handle.getFile().catch(() => undefined);

export async function saveChange(job: SaveJob, signal: AbortSignal): Promise<ChangeReport> {
  const { fileName, target, tell, done } = job;
  if (done.planned.unchanged) {
    throw new DiskwrightError('invalid-option', 'Nothing would be different: there is nothing to save.');
  }
  const began = performance.now();
  const finished = await write(job, signal);
  if (finished.download) tell({ kind: 'offer', file: finished.download, name: fileName });
  const milliseconds = performance.now() - began;
  const name = target.sink === 'picked' ? target.handle.name : fileName;
  const saved = target.sink === 'picked' ? await savedAgain(target.handle) : finished.download;
  const found = await check(job, saved, signal);
  return {
    name,
    length: finished.length,
    written: finished.written,
    sink: target.sink,
    milliseconds,
    ...(found ? { check: found } : {}),
    ...(saved ? { file: new File([saved], name) } : {}),
  };
}
