/**
 * The page's half of conversions: opens what only the page can open for saving, starts the workers that compress, and
 * gives each running job a worker of its own.
 */
import { DiskwrightError } from '../../engine/errors.ts';
import type { Capabilities } from '../../platform/browser/deliver/choose.ts';
import { offerDownload } from '../../platform/browser/deliver/download-link.ts';
import { Lane } from '../client-lane.ts';
import { dropTargets, type OpenTarget, openTargets } from '../client-targets.ts';
import { cancelled, type JobEvent, type PlannedFile } from '../protocol.ts';
import { type Connection, Packers } from './packers.ts';
import type {
  ConvertAnswers,
  Converter,
  ConvertForecast,
  ConvertJob,
  ConvertOrder,
  ConvertProgress,
  ConvertReport,
  PreparedConversion,
} from './protocol.ts';
import { withWays } from './ways.ts';

interface Saving {
  readonly capabilities: () => Capabilities;
  readonly pingInterval: number;
}

/** What a prepared job holds that the page must not see. */
interface Held {
  readonly files: readonly PlannedFile[];
  /** Where it goes, as far as that had to be settled at once. */
  readonly targets: readonly OpenTarget[] | undefined;
}

type OnProgress = (progress: ConvertProgress) => void;

function filesOf({ fileName }: ConvertOrder, { length, exact, dataFile }: ConvertForecast): PlannedFile[] {
  const image = { role: 'image', name: fileName, length, written: length, atMost: !exact } as const;
  if (!dataFile) return [image];
  return [image, { role: 'data', name: dataFile.name, length: dataFile.length, written: dataFile.length }];
}

/** The saved bytes, where they can be read again. */
async function withFiles(
  report: ConvertReport,
  opened: readonly OpenTarget[],
  offered: ReadonlyMap<string, Blob>,
): Promise<ConvertReport> {
  const files = await Promise.all(
    report.files.map(async (saved, index) => {
      const target = opened[index]?.target;
      // Somebody may have moved or removed it already.
      const picked = target?.sink === 'picked' ? await target.handle.getFile().catch(() => undefined) : undefined;
      const file = picked ?? offered.get(saved.name);
      return file ? { ...saved, file } : saved;
    }),
  );
  return { ...report, files };
}

export function createConverter({ capabilities, pingInterval }: Saving): Converter {
  const measuring = new Lane();
  const packers = new Packers();
  /** A worker stays when its job is over: what it has staged is its own. */
  const idle: Lane[] = [];
  const held = new WeakMap<PreparedConversion, Held>();

  const open = ({ way }: PreparedConversion, files: readonly PlannedFile[]) =>
    openTargets({ gzip: false, sink: way.sink }, files, capabilities(), pingInterval);

  return {
    async forecast(order, { signal, onProgress } = {}) {
      const answer = await measuring.ask<'convert'>(
        { name: 'convert', order, ask: { kind: 'forecast' } },
        { signal, onEvent: (event) => event.kind === 'progress' && onProgress?.(event.progress) },
      );
      // The answer to a question has the type that `ConvertAnswers` gives to its kind.
      return withWays(order, answer as ConvertAnswers['forecast'], capabilities());
    },

    async prepare(order, forecast, way = forecast.ways[0]) {
      if (!way) throw new DiskwrightError('out-of-range', forecast.refused ?? 'This cannot be saved here.');
      const job = { order, way };
      const files = filesOf(order, forecast);
      // A picker needs the click; everything else can wait until the job's turn comes.
      held.set(job, { files, targets: way.sink === 'picked' ? await open(job, files) : undefined });
      return job;
    },

    async drop(job) {
      const { targets = [] } = held.get(job) ?? {};
      held.delete(job);
      await dropTargets(targets);
    },

    async run(job, onProgress, signal) {
      const own = held.get(job);
      held.delete(job);
      if (!own) throw new Error('a conversion that was not prepared, or has run');
      const lane = idle.pop() ?? new Lane();
      const { order } = job;
      const connection = order.compress && packers.connect();
      const ended = new AbortController();
      const cancel = (): void => ended.abort();
      signal.addEventListener('abort', cancel);
      let lost: unknown;
      connection?.lost.catch((reason: unknown) => {
        lost = reason;
        ended.abort();
      });
      try {
        if (signal.aborted) throw cancelled();
        return await runOn(lane, job, own, connection, { onProgress, signal: ended.signal });
      } catch (error) {
        // Picked at the click, and perhaps not begun.
        await dropTargets(own.targets ?? []);
        throw signal.aborted ? cancelled() : (lost ?? error);
      } finally {
        signal.removeEventListener('abort', cancel);
        idle.push(lane);
      }
    },
  };

  async function runOn(
    lane: Lane,
    prepared: PreparedConversion,
    { files, targets }: Held,
    connection: Connection | undefined,
    { onProgress, signal }: { onProgress: OnProgress; signal: AbortSignal },
  ): Promise<ConvertAnswers['run']> {
    const { order, way } = prepared;
    const ports = connection?.ports ?? [];
    const job = { id: crypto.randomUUID(), passes: way.passes, packers: ports };
    const without: ConvertJob = { ...job, packers: [] };
    // The worker tells more of a conversion's progress than of others'.
    const progressOf = (event: JobEvent) => event.kind === 'progress' && onProgress(event.progress as ConvertProgress);
    const surveyed = way.passes !== 'one';
    let planned = files;
    if (surveyed) {
      const length = (await lane.ask<'convert'>(
        { name: 'convert', order, ask: { kind: 'survey', job } },
        { signal, transfer: ports, onEvent: progressOf },
      )) as ConvertAnswers['survey'];
      planned = files.map((file) => ({ ...file, length, written: length, atMost: false }));
    }
    let opened: readonly OpenTarget[] = targets ?? [];
    const offered = new Map<string, Blob>();
    try {
      if (!targets) opened = await open(prepared, planned);
      if (signal.aborted) throw cancelled();
      const answer = await lane.ask<'convert'>(
        {
          name: 'convert',
          order,
          ask: { kind: 'run', job: surveyed ? without : job },
          targets: opened.map(({ target }) => target),
        },
        {
          signal,
          transfer: [...(surveyed ? [] : ports), ...opened.flatMap(({ stream }) => (stream ? [stream.port] : []))],
          onEvent(event) {
            if (event.kind === 'progress') progressOf(event);
            else if (event.kind === 'offer') {
              offered.set(event.name, event.file);
              offerDownload(event.file, event.name);
            } else if (event.kind === 'stream-begin') opened[event.file]?.stream?.begin();
            else opened[event.file]?.stream?.ping();
          },
        },
      );
      return await withFiles(answer as ConvertAnswers['run'], opened, offered);
    } catch (error) {
      await dropTargets(opened);
      if (surveyed)
        lane.ask<'convert'>({ name: 'convert', order, ask: { kind: 'forget', job: without } }).catch(() => {});
      throw error;
    } finally {
      for (const { stream } of opened) stream?.end();
    }
  }
}
