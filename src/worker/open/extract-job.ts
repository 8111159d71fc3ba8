/** Saves a stretch of the disk or of the file through the sinks that finished images take. */
import { DiskwrightError } from '../../engine/errors.ts';
import { extractDisk, extractFile } from '../../jobs/extract.ts';
import { inFileOrder } from '../../jobs/in-file-order.ts';
import type { Operation } from '../../jobs/step.ts';
import { openSink } from '../open-sink.ts';
import type { ProgressMeter } from '../progress-meter.ts';
import { cancelled, type JobEvent, type Target } from '../protocol.ts';
import { pump } from '../pump.ts';
import type { AskAnswers, Extraction } from './protocol.ts';
import type { Session } from './session.ts';

function stepsOf(session: Session, { space, at, length }: Extraction): Operation<number> {
  if (space === 'file') {
    const device = session.again();
    if (at + length > device.size)
      throw new DiskwrightError('out-of-range', 'The stretch ends behind the end of the file.');
    return extractFile(device, at, length);
  }
  const { chain } = session;
  if (at + length > chain[0].virtualSize) {
    throw new DiskwrightError('out-of-range', 'The stretch ends behind the end of the disk.');
  }
  return extractDisk(chain, at, length);
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
  const steps = stepsOf(session, extraction);
  const sink = await openSink(target, 0, length, tell);
  try {
    meter.begin('Copying', fileName, 0, length);
    await pump(
      sink.positioned ? steps : inFileOrder(steps, length),
      {
        write: (at, bytes) => sink.write(at, bytes),
        zeros: (at, count) => sink.zeros(at, count),
        progress: ({ done }) => meter.update(done, length),
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
  }
}
