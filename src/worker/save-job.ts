/**
 * Builds the files of an order and hands them to their sinks, in the worker. All files are finished before
 * any is offered, so that a failure of the second takes the first back. The check of the saved image and the
 * digests come last: the files are saved by then and cancelling only leaves the rest out.
 */
import { DiskwrightError } from '../engine/errors.ts';
import { findFormat } from '../engine/formats/index.ts';
import type { CreateDriver } from '../engine/image/format.ts';
import type { FileLayout, ImageLayout } from '../engine/image/layout.ts';
import { emitLayout } from '../jobs/create.ts';
import { digestLayout } from '../jobs/digest.ts';
import { inFileOrder } from '../jobs/in-file-order.ts';
import { Sha256 } from '../jobs/sha256.ts';
import { GzipSink } from '../platform/browser/deliver/gzip-sink.ts';
import { savedName } from '../platform/browser/deliver/saved-name.ts';
import type { FileSink, Finished } from '../platform/browser/deliver/sink.ts';
import type { CreateOrder, SavedFile, SaveOrder, SaveReport, SelfCheck } from './engine-client.ts';
import { forgetPassphrase, luksHeaderFor } from './luks-header.ts';
import { openSink } from './open-sink.ts';
import { ProgressMeter } from './progress-meter.ts';
import type { JobEvent, PlannedFile, Target } from './protocol.ts';
import { cancelled } from './protocol.ts';
import { pump } from './pump.ts';
import { selfCheck } from './self-check.ts';

/** Longest file whose SHA-256 is computed unasked: hashing cannot skip holes. */
const UNASKED_DIGEST_LIMIT = 4 * 1024 ** 3;

const PHASES: Readonly<Record<Target['sink'], string>> = {
  blob: 'Building the file',
  picked: 'Writing the file',
  stream: 'Streaming the file',
  opfs: "Building the file in the browser's storage",
};

export async function layoutOf(order: CreateOrder, headerFor?: HeaderFor): Promise<ImageLayout> {
  const create = (await findFormat(order.format)?.load())?.create;
  if (!create) throw new DiskwrightError('unsupported', `Images of format "${order.format}" cannot be made here.`);
  return create.layout({ texts: order.texts, luksHeader: await headerFor?.(create) });
}

/** Makes what an encrypted disk begins with; absent: sizes and places are enough. */
type HeaderFor = (create: CreateDriver) => Promise<Uint8Array | undefined>;

interface Job extends PlannedFile {
  readonly layout: FileLayout;
}

/** The files of an order. A data file's name is the image's for it, as far as a browser takes it. */
async function jobsOf(order: SaveOrder, headerFor?: HeaderFor): Promise<Job[]> {
  const { image, dataFile } = await layoutOf(order, headerFor);
  const job = (role: Job['role'], name: string, layout: FileLayout): Job => ({
    role,
    name: order.gzip ? `${name}.gz` : name,
    length: layout.length,
    written: layout.totals().written,
    layout,
  });
  const jobs = [job('image', order.fileName, image)];
  if (dataFile) jobs.push(job('data', savedName(dataFile.name) || 'data.raw', dataFile.layout));
  return jobs;
}

export async function planSave(order: SaveOrder): Promise<PlannedFile[]> {
  return (await jobsOf(order)).map(({ role, name, length, written }) => ({ role, name, length, written }));
}

type Tell = (event: JobEvent) => void;

const keyPhase = ({ passphrase }: SaveOrder): string =>
  passphrase ? 'Making keys of the passphrase' : 'Planning the layout';

interface Written {
  readonly job: Job;
  readonly target: Target;
  readonly finished: Finished;
  /** Of the compressed file. */
  readonly sha256?: string;
}

async function writeFile(
  job: Job,
  target: Target,
  sink: FileSink,
  gzip: boolean,
  meter: ProgressMeter,
  signal: AbortSignal,
): Promise<Written> {
  const compressed = new Sha256();
  const outer = gzip ? new GzipSink(sink, (bytes) => compressed.update(bytes)) : sink;
  const total = outer.positioned ? job.written : job.length;
  meter.begin(gzip ? 'Compressing the file' : PHASES[target.sink], job.name, 0, total);
  const steps = emitLayout(job.layout);
  try {
    await pump(
      outer.positioned ? steps : inFileOrder(steps, job.length),
      {
        write: (at, bytes) => outer.write(at, bytes),
        zeros: (at, length) => outer.zeros(at, length),
        progress: ({ done }) => meter.update(done, total),
      },
      signal,
    );
    meter.begin('The browser is finishing the file', job.name, total, total);
    const finished = await outer.finish(job.length);
    if (signal.aborted) throw cancelled();
    return { job, target, finished, ...(gzip ? { sha256: compressed.finish() } : {}) };
  } catch (error) {
    await outer.abort();
    throw signal.aborted ? cancelled() : error;
  }
}

async function digestsOf(written: Written, gzip: boolean, meter: ProgressMeter, signal: AbortSignal) {
  const { job } = written;
  const whole = !gzip && job.length <= UNASKED_DIGEST_LIMIT;
  meter.begin('Saved. Computing its digests', job.name, 0, whole ? job.length : job.written);
  const digests = await pump(
    digestLayout(job.layout, whole),
    { write: () => {}, zeros: () => {}, progress: ({ done, total }) => meter.update(done, total) },
    signal,
  );
  return gzip ? { layoutDigest: digests.layoutDigest, ...shaOf(written) } : digests;
}

const shaOf = ({ sha256, finished }: Written) =>
  sha256 === undefined || finished.length > UNASKED_DIGEST_LIMIT ? {} : { sha256 };

export async function save(
  order: SaveOrder,
  targets: readonly Target[],
  tell: Tell,
  signal: AbortSignal,
): Promise<SaveReport> {
  const began = performance.now();
  const meter = new ProgressMeter((progress) => tell({ kind: 'progress', progress }));
  const all: Written[] = [];
  const sinks: FileSink[] = [];
  try {
    meter.begin(keyPhase(order), order.fileName, 0, 1);
    const jobs = await jobsOf(order, (create) => luksHeaderFor(order, create, signal));
    forgetPassphrase(order);
    for (const [index, job] of jobs.entries()) {
      const target = targets[index];
      if (!target) throw new Error(`no target for file ${index}`);
      if (signal.aborted) throw cancelled();
      const sink = await openSink(target, index, order.gzip ? undefined : job.length, tell);
      sinks.push(sink);
      all.push(await writeFile(job, target, sink, order.gzip, meter, signal));
    }
  } catch (error) {
    for (const sink of sinks) await sink.abort();
    throw error;
  }
  for (const { finished, job } of all) {
    if (finished.download) tell({ kind: 'offer', file: finished.download, name: job.name });
  }
  const milliseconds = performance.now() - began;

  const [image] = all;
  const check = image && (await checkOf(image, order, meter, signal));
  const files: SavedFile[] = [];
  for (const written of all) {
    const { job, target, finished } = written;
    const digests = await digestsOf(written, order.gzip, meter, signal).catch((error: unknown) => {
      if (signal.aborted) return {};
      throw error;
    });
    const name = target.sink === 'picked' ? target.handle.name : job.name;
    files.push({ name, length: finished.length, written: finished.written, sink: target.sink, ...digests });
  }
  return { files, milliseconds, ...(check ? { check } : {}) };
}

/** What was saved, where it can be read again: a streamed file has left, a compressed one is no image. */
async function savedFile({ target, finished }: Written, gzip: boolean): Promise<Blob | undefined> {
  if (gzip) return undefined;
  return target.sink === 'picked' ? await target.handle.getFile() : finished.download;
}

/** Undefined also when it was cancelled: the file is saved by then. */
async function checkOf(written: Written, order: SaveOrder, meter: ProgressMeter, signal: AbortSignal) {
  meter.begin('Saved. Checking the image', written.job.name, 0, 1);
  try {
    const file = await savedFile(written, order.gzip);
    const show = (done: number, total: number): void => meter.update(done, total);
    return await selfCheck(order.format, written.job.layout, file, show, signal);
  } catch (error) {
    if (signal.aborted) return undefined;
    const reason = error instanceof Error ? error.message : String(error);
    return { verdict: 'unread', findings: [reason], read: 'file' } satisfies SelfCheck;
  }
}

/** SHA-256 of one plain file of the order, however long it takes. */
export async function digest(
  order: SaveOrder,
  role: PlannedFile['role'],
  tell: Tell,
  signal: AbortSignal,
): Promise<string> {
  const jobs = await jobsOf(order, (create) => luksHeaderFor(order, create, signal, true));
  const job = jobs.find((one) => one.role === role);
  if (!job) throw new DiskwrightError('invalid-option', 'This image has no data file.', { option: 'data_file' });
  const meter = new ProgressMeter((progress) => tell({ kind: 'progress', progress }));
  meter.begin('Computing SHA-256', job.name, 0, job.length);
  const { sha256 } = await pump(
    digestLayout(job.layout, true),
    { write: () => {}, zeros: () => {}, progress: ({ done, total }) => meter.update(done, total) },
    signal,
  );
  return sha256 ?? '';
}
