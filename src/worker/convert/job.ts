/**
 * Converts and saves, in the worker. Sinks that write at places take one pass. Sinks that take bytes in order need to
 * know everything before the first of them: a survey comes first, which finds out where everything goes (`two`,
 * `packed-twice`) or builds the file where it can be read again (`staged`).
 */
import { DiskwrightError } from '../../engine/errors.ts';
import type { FileSink, Finished } from '../../platform/browser/deliver/sink.ts';
import { FileDevice } from '../../platform/browser/file-device.ts';
import { PackPool } from '../../platform/browser/pack-pool.ts';
import type { SelfCheck } from '../engine-client.ts';
import { openSink } from '../open-sink.ts';
import { ProgressMeter } from '../progress-meter.ts';
import { cancelled, type JobEvent, type Target } from '../protocol.ts';
import { checkDevice } from '../self-check.ts';
import { digestSaved } from './digest-saved.ts';
import { fill } from './fill.ts';
import { type NewImage, newImageOf } from './new-image.ts';
import type { ConvertedFile, ConvertJob, ConvertOrder, ConvertProgress, ConvertReport } from './protocol.ts';
import { unlessCancelled } from './run-steps.ts';
import { type OpenedSources, openSources } from './sources.ts';
import {
  memoryFile,
  OrderedFile,
  PlacedFile,
  StagedFile,
  type Survey,
  SurveyFile,
  type TargetFile,
} from './target-file.ts';

export interface Doing {
  readonly order: ConvertOrder;
  readonly job: ConvertJob;
  readonly tell: (event: JobEvent) => void;
  readonly signal: AbortSignal;
}

/** What was found out before the first byte leaves. */
export interface Surveyed {
  readonly sources: OpenedSources;
  readonly made: NewImage;
  readonly pool: PackPool | undefined;
  readonly copied: number;
  /** Where everything goes; absent where the file itself is there. */
  readonly survey: Survey | undefined;
  readonly staged: Blob | undefined;
  readonly began: number;
  /** Gives back everything that it holds. */
  drop(): Promise<void>;
}

const PHASES: Readonly<Record<Target['sink'], string>> = {
  blob: 'Converting',
  picked: 'Converting',
  stream: 'Converting and sending',
  opfs: "Converting into the browser's storage",
};

/** Tells how far it is, with what has been written and compressed. */
class Teller {
  readonly meter: ProgressMeter;
  readonly onProgress = (words: string, done: number, total: number): void => this.show(words, done, total);
  written: () => number = () => 0;
  pool: PackPool | undefined;
  #phase = '';
  readonly #fileName: string;

  constructor({ order, tell }: Doing) {
    this.#fileName = order.fileName;
    this.meter = new ProgressMeter((progress) => {
      const { pool } = this;
      const packed = pool && pool.from > 0 ? { packed: { from: pool.from, to: pool.to } } : {};
      const more: ConvertProgress = { ...progress, written: this.written(), ...packed };
      tell({ kind: 'progress', progress: more });
    });
  }

  show(phase: string, done: number, total: number): void {
    if (phase === this.#phase) this.meter.update(done, total);
    else this.meter.begin(phase, this.#fileName, done, total);
    this.#phase = phase;
  }
}

interface Opened {
  readonly sources: OpenedSources;
  readonly made: NewImage;
  readonly pool: PackPool | undefined;
}

async function open({ order, job, signal }: Doing, teller: Teller): Promise<Opened> {
  teller.show('Opening the image', 0, 1);
  const sources = await openSources(order, teller.onProgress, signal);
  try {
    const made = await newImageOf(order, sources.virtualSize, signal);
    const pool = order.compress && new PackPool(job.packers, order.compress.level);
    teller.pool = pool;
    return { sources, made, pool };
  } catch (error) {
    await sources.close();
    throw error;
  }
}

async function close({ sources, pool }: Opened): Promise<void> {
  pool?.close();
  await sources.close();
}

/** The first half for sinks that take bytes in order. */
export async function survey(doing: Doing): Promise<Surveyed> {
  const { order, job, signal } = doing;
  const began = performance.now();
  const teller = new Teller(doing);
  const opened = await open(doing, teller);
  const { sources, made, pool } = opened;
  const staging = job.passes === 'staged';
  let file: StagedFile | SurveyFile | undefined;
  try {
    file = staging ? await StagedFile.open() : new SurveyFile();
    const phase = staging ? PHASES.opfs : 'Finding out where everything goes';
    const filled = file;
    teller.written = () => filled.written;
    const progress = (done: number, total: number): void => teller.show(phase, done, total);
    const { leastZeros } = order;
    const copied = await fill({ sources, made, image: file, data: undefined, leastZeros, pool, progress, signal });
    const finished = await file.finish();
    const found = file instanceof SurveyFile ? file.survey() : undefined;
    return {
      sources,
      made,
      pool,
      copied,
      began,
      survey: found,
      staged: finished.download,
      async drop() {
        await file?.abort();
        await close(opened);
      },
    };
  } catch (error) {
    await file?.abort();
    await close(opened);
    throw signal.aborted ? cancelled() : error;
  }
}

export const lengthOf = ({ survey: found, staged }: Surveyed): number => found?.length ?? staged?.size ?? 0;

interface Files {
  readonly image: TargetFile;
  readonly data: TargetFile | undefined;
}

/** The file that a target stands for. */
async function fileFor(
  target: Target,
  index: number,
  content: 'plain' | 'structured',
  length: number | undefined,
  { tell }: Doing,
  found?: Survey,
): Promise<TargetFile> {
  if (target.sink === 'blob') return memoryFile();
  if (target.sink === 'opfs') return await StagedFile.open();
  const sink = await openSink(target, index, length, tell);
  return sink.positioned ? new PlacedFile(sink, content) : new OrderedFile(sink, content, found);
}

async function openFiles(doing: Doing, made: NewImage, targets: readonly Target[], found?: Survey): Promise<Files> {
  const [first, second] = targets;
  if (!first || (made.dataName !== undefined && !second)) throw new Error('internal error: a file without a target');
  const content = made.spec.name === 'raw' ? 'plain' : 'structured';
  const image = await fileFor(first, 0, content, found?.length, doing, found);
  try {
    const data = second && (await fileFor(second, 1, 'plain', undefined, doing));
    return { image, data };
  } catch (error) {
    await image.abort();
    throw error;
  }
}

const FINISHING = 'The browser is finishing the file';

/** What is read back: the saved file, or its structures as they were sent. */
async function checked(
  doing: Doing,
  teller: Teller,
  readable: Blob | undefined,
  found: Survey | undefined,
): Promise<SelfCheck | undefined> {
  const { order, signal } = doing;
  const device = readable ? new FileDevice(readable) : found?.split.structures;
  if (!device) return undefined;
  const show = (done: number, total: number): void => teller.show('Saved. Checking the image', done, total);
  show(0, 1);
  try {
    return await checkDevice(order.format, device, readable ? 'file' : 'sent', show, signal);
  } catch (error) {
    if (signal.aborted) return undefined;
    return { verdict: 'unread', findings: [error instanceof Error ? error.message : String(error)], read: 'file' };
  }
}

async function fileOf(target: Target, finished: Finished): Promise<Blob | undefined> {
  // It is saved; where it was moved meanwhile, it only cannot be read back.
  return target.sink === 'picked' ? await target.handle.getFile().catch(() => undefined) : finished.download;
}

function convertedFile(role: ConvertedFile['role'], name: string, target: Target, finished: Finished): ConvertedFile {
  const { length, written } = finished;
  return { role, name: target.sink === 'picked' ? target.handle.name : name, length, written, sink: target.sink };
}

interface Done {
  readonly copied: number;
  readonly saved: readonly ConvertedFile[];
  /** Of the image. */
  readonly finished: Finished;
  readonly finishedData: Finished | undefined;
  readonly target: Target;
}

/** One pass, or the second of two. */
async function pass(
  doing: Doing,
  opened: Opened,
  targets: readonly Target[],
  teller: Teller,
  found?: Survey,
): Promise<Done> {
  const { order, signal } = doing;
  const { sources, made, pool } = opened;
  const [target, dataTarget] = targets;
  const files = await openFiles(doing, made, targets, found);
  const { image, data } = files;
  try {
    teller.written = () => image.written + (data?.written ?? 0);
    const phase = PHASES[target?.sink ?? 'blob'];
    const progress = (done: number, total: number): void => teller.show(phase, done, total);
    const copied = await fill({ sources, made, image, data, leastZeros: order.leastZeros, pool, progress, signal });
    teller.show(FINISHING, 1, 1);
    const finishedData = data && (await unlessCancelled(data.finish(), signal));
    const finished = await unlessCancelled(image.finish(), signal);
    if (!target) throw new Error('internal error: no target');
    const saved = [convertedFile('image', order.fileName, target, finished)];
    if (dataTarget && finishedData) {
      saved.push(convertedFile('data', made.dataName ?? 'data.raw', dataTarget, finishedData));
    }
    return { copied, saved, finished, finishedData, target };
  } catch (error) {
    await image.abort();
    await data?.abort();
    throw error;
  }
}

/** Copies a staged file to a sink that takes it in order. */
async function send(file: Blob, sink: FileSink, teller: Teller, signal: AbortSignal): Promise<Finished> {
  const reader = file.stream().getReader();
  let at = 0;
  try {
    for (;;) {
      const { done, value } = await unlessCancelled(reader.read(), signal);
      if (done) break;
      const wait = sink.write(at, value);
      if (wait) await unlessCancelled(wait, signal);
      at += value.length;
      teller.show('Sending the file', at, file.size);
    }
    teller.show(FINISHING, 1, 1);
    return await unlessCancelled(sink.finish(file.size), signal);
  } catch (error) {
    await sink.abort();
    throw error;
  } finally {
    reader.cancel().catch(() => {});
  }
}

async function sendStaged(doing: Doing, surveyed: Surveyed, targets: readonly Target[], teller: Teller): Promise<Done> {
  const [target] = targets;
  const { staged, copied } = surveyed;
  if (!target || !staged) throw new Error('internal error: nothing is staged');
  const sink = await openSink(target, 0, staged.size, doing.tell);
  teller.written = () => staged.size;
  const finished = await send(staged, sink, teller, doing.signal);
  const saved = [convertedFile('image', doing.order.fileName, target, finished)];
  return { copied, saved, finished, finishedData: undefined, target };
}

/** Everything, or the second half after a survey. */
export async function convert(doing: Doing, targets: readonly Target[], surveyed?: Surveyed): Promise<ConvertReport> {
  const { order, job, tell, signal } = doing;
  const began = surveyed?.began ?? performance.now();
  const teller = new Teller(doing);
  const opened = surveyed ?? (await open(doing, teller));
  teller.pool = opened.pool;
  try {
    if (surveyed?.survey) opened.pool?.forgetCounts();
    const done = surveyed?.staged
      ? await sendStaged(doing, surveyed, targets, teller)
      : await pass(doing, opened, targets, teller, surveyed?.survey);
    if (signal.aborted) throw cancelled();
    const { copied, saved, finished, finishedData, target } = done;
    if (finished.download) tell({ kind: 'offer', file: finished.download, name: order.fileName });
    if (finishedData?.download) {
      tell({ kind: 'offer', file: finishedData.download, name: opened.made.dataName ?? 'data.raw' });
    }
    const milliseconds = performance.now() - began;
    const { pool, sources } = opened;
    const readable = (await fileOf(target, finished)) ?? surveyed?.staged;
    const check = await checked(doing, teller, readable, surveyed?.survey);
    const hashing = (at: number, total: number): void => teller.show('Saved. Computing its SHA-256', at, total);
    const sha256 = readable && (await digestSaved(readable, hashing, signal));
    return {
      files: saved.map((file) => (file.role === 'image' && sha256 ? { ...file, sha256 } : file)),
      virtualSize: sources.virtualSize,
      sourceLength: sources.length,
      copied,
      passes: job.passes,
      milliseconds,
      ...(pool ? { packed: { from: pool.from, to: pool.to } } : {}),
      ...(check ? { check } : {}),
    };
  } catch (error) {
    if (signal.aborted && !(error instanceof DiskwrightError && error.kind === 'cancelled')) throw cancelled();
    throw error;
  } finally {
    if (surveyed) await surveyed.drop();
    else await close(opened);
  }
}
