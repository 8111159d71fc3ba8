/** Saves a stretch of the disk or of the file through the sinks that finished images take. */
import { DiskwrightError } from '../../engine/errors.ts';
import { extractDisk, extractFile } from '../../jobs/extract.ts';
import { inFileOrder } from '../../jobs/in-file-order.ts';
import type { Operation } from '../../jobs/step.ts';
import { PrefetchedFile, type Slice } from '../../platform/browser/prefetched-file.ts';
import { ReadAhead } from '../convert/read-ahead.ts';
import { openSink } from '../open-sink.ts';
import type { ProgressMeter } from '../progress-meter.ts';
import { cancelled, type JobEvent, type Target } from '../protocol.ts';
import { pump } from '../pump.ts';
import type { AskAnswers, Extraction } from './protocol.ts';
import type { Session } from './session.ts';

const SLICE = 8 * 1024 * 1024;
const SLICES_AHEAD = 3;
/** One step reads no more. */
const PIECE = 4 * 1024 * 1024;

/** What is copied, and what fetches it beforehand. */
interface Copying {
  readonly steps: Operation<number>;
  /** Resolves when the stretch that begins `done` bytes into the extraction is here. */
  need(done: number): Promise<void> | undefined;
  close(): void;
}

function copyingDisk({ chain }: Session, { at, length }: Extraction): Copying {
  if (at + length > chain[0].virtualSize) {
    throw new DiskwrightError('out-of-range', 'The stretch ends behind the end of the disk.');
  }
  const ahead = new ReadAhead([{ chain, clusterSizes: [] }]);
  return {
    steps: extractDisk(chain, at, length),
    need: (done) => (done < length ? ahead.need(at + done, Math.min(PIECE, length - done)) : undefined),
    close: () => ahead.close(),
  };
}

function copyingFile(session: Session, { at, length }: Extraction): Copying {
  const device = session.again();
  if (at + length > device.size) {
    throw new DiskwrightError('out-of-range', 'The stretch ends behind the end of the file.');
  }
  const slices: Slice[] = [];
  const file = device instanceof PrefetchedFile ? device : undefined;
  let begun = 0;
  return {
    steps: extractFile(device, at, length),
    need(done) {
      if (!file) return undefined;
      while (slices[0] && slices[0].at + slices[0].length <= at + done) file.release(slices.shift() as Slice);
      for (; begun < length && slices.length < SLICES_AHEAD; begun += SLICE) {
        slices.push(file.fetch(at + begun, Math.min(SLICE, length - begun)));
      }
      const missing = slices.filter((slice) => !slice.bytes && slice.at < at + done + PIECE);
      return missing.length === 0 ? undefined : Promise.all(missing.map(({ loaded }) => loaded)).then(() => {});
    },
    close: () => device.close(),
  };
}

export async function extract(
  session: Session,
  extraction: Extraction,
  [target]: readonly Target[],
  meter: ProgressMeter,
  tell: (event: JobEvent) => void,
  signal: AbortSignal,
): Promise<AskAnswers['extract']> {
  if (!target) throw new Error('internal error: an extraction without a target');
  const { length, fileName } = extraction;
  const began = performance.now();
  const { steps, need, close } = (extraction.space === 'file' ? copyingFile : copyingDisk)(session, extraction);
  const sink = await openSink(target, 0, length, tell);
  try {
    meter.begin('Copying', fileName, 0, length);
    await need(0);
    await pump(
      sink.positioned ? steps : inFileOrder(steps, length),
      {
        write: (at, bytes) => sink.write(at, bytes),
        zeros: (at, count) => sink.zeros(at, count),
        progress: ({ done }) => {
          meter.update(done, length);
          return need(done);
        },
      },
      signal,
    );
    meter.begin('The browser is finishing the file', fileName, length, length);
    const finished = await sink.finish(length);
    if (signal.aborted) throw cancelled();
    if (finished.download) tell({ kind: 'offer', file: finished.download, name: fileName });
    const name = target.sink === 'picked' ? target.handle.name : fileName;
    return { name, length: finished.length, written: finished.written, milliseconds: performance.now() - began };
  } catch (error) {
    await sink.abort();
    throw signal.aborted ? cancelled() : error;
  } finally {
    close();
  }
}
