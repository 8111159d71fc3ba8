/** One pass of a conversion: lays the new image out in its files and copies the disks into it. */
import { roundUp } from '../../engine/bytes/math.ts';
import { DiskwrightError } from '../../engine/errors.ts';
import type { FileLayout } from '../../engine/image/layout.ts';
import type { WritableImage } from '../../engine/image/writable.ts';
import { type ConvertRequest, convertDisks } from '../../jobs/convert/convert.ts';
import { SECTOR } from '../../jobs/convert/stretches.ts';
import { emitLayout } from '../../jobs/create.ts';
import type { PackPool } from '../../platform/browser/pack-pool.ts';
import { pump } from '../pump.ts';
import type { NewImage } from './new-image.ts';
import { ReadAhead } from './read-ahead.ts';
import { runConversion, unlessCancelled } from './run-steps.ts';
import type { OpenedSources } from './sources.ts';
import type { TargetFile } from './target-file.ts';

/** As `convert` of the command without -S. */
const LEAST_ZEROS = 4096;

export interface Filling {
  readonly sources: OpenedSources;
  readonly made: NewImage;
  readonly image: TargetFile;
  readonly data: TargetFile | undefined;
  readonly leastZeros: number | undefined;
  /** Absent: nothing is compressed. */
  readonly pool: PackPool | undefined;
  progress(done: number, total: number): void;
  readonly signal: AbortSignal;
}

async function layOut(layout: FileLayout, file: TargetFile, signal: AbortSignal): Promise<void> {
  await pump(
    emitLayout(layout),
    {
      write: (at, bytes) => file.image.write(at, bytes),
      zeros: (at, length) => file.take(at, length),
      progress: () => {},
    },
    signal,
  );
  if (file.image.size !== layout.length) file.image.resize(layout.length);
}

async function openTarget({ made, image, data, sources, leastZeros, signal }: Filling): Promise<WritableImage> {
  const editor = await made.driver.editor?.();
  if (!editor) throw new DiskwrightError('unsupported', `Images of format "${made.spec.name}" cannot be made here.`);
  const cipher = await made.unlock(image.image, signal);
  const settings = { unmap: (leastZeros ?? LEAST_ZEROS) > 0, ...(cipher ? { cipher } : {}) };
  return editor.openWritable(
    { image: image.image, data: data?.image, clusters: image.clusters, backing: sources.backing },
    settings,
  );
}

/** Returns the bytes of data that were copied. The files are neither finished nor taken back. */
export async function fill(filling: Filling): Promise<number> {
  const { sources, made, image, data, pool, signal } = filling;
  const { leastZeros = LEAST_ZEROS } = filling;
  await layOut(made.layout.image, image, signal);
  if (made.layout.dataFile && data) await layOut(made.layout.dataFile.layout, data, signal);
  const target = await openTarget(filling);
  if (pool && target.compression !== 'zlib') {
    throw new DiskwrightError('unsupported', 'Images of this format hold nothing compressed that a browser can write.');
  }
  const ahead = new ReadAhead(sources.sources);
  let copied = 0;
  const request: ConvertRequest = {
    sources: sources.sources,
    target,
    backed: sources.backing !== undefined,
    backingSize: sources.backing?.[0].virtualSize,
    targetIsZero: sources.backing === undefined && leastZeros > 0 && made.startsAsZeros,
    leastZeros,
    packing: pool?.depthFor(target.compressedUnit ?? 0),
  };
  const drain = (): Promise<void> | undefined => {
    const waits = [image.drain(), data?.drain()].filter((one) => one !== undefined);
    return waits.length > 0 ? Promise.all(waits).then(() => {}) : undefined;
  };
  try {
    const around = {
      need: (at: number, length: number) => ahead.need(at, length),
      pack: (batch: Parameters<PackPool['pack']>[0]) => {
        if (!pool) throw new Error('internal error: there is nobody to compress');
        return pool.pack(batch);
      },
      drain,
      progress(done: number, total: number) {
        copied = done;
        filling.progress(done, total);
      },
    };
    await runConversion(convertDisks(request), around, signal);
    target.close();
    // Compressed data ends anywhere; files that end on a sector are easier on those who read by sectors.
    if (pool) image.image.resize(roundUp(image.image.size, SECTOR));
    const leaving = drain();
    if (leaving) await unlessCancelled(leaving, signal);
    return copied;
  } finally {
    ahead.close();
  }
}
