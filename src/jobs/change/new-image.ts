/** An empty image to be written anew: the options of the old one, laid out over nothing, open for writing. */
import { roundUp } from '../../engine/bytes/math.ts';
import { OverlayDevice } from '../../engine/device/overlay.ts';
import type { ImageDescription } from '../../engine/image/description.ts';
import type { FormatDriver, FormatEditor } from '../../engine/image/format.ts';
import type { WritableImage } from '../../engine/image/writable.ts';
import type { OptionTexts } from '../../engine/options/declare.ts';
import type { Source } from '../convert/stretches.ts';
import { emitLayout } from '../create.ts';
import type { Rewriting } from './change.ts';
import { guestSource } from './in-place.ts';
import { type RewriteFacts, type RewriteStep, rewriteDisk } from './rewrite.ts';

const SUBCLUSTERS = 32;
const SECTOR = 512;
const DEFAULT_CLUSTER = 65536;

/** Create options of an image as they are, those that are defaults left out. */
export function optionsOf({ clusterSize, specific, backing }: ImageDescription, keepsBacking: boolean): OptionTexts {
  const facts = specific?.data ?? {};
  const old = facts['compat'] === '0.10';
  const refcountBits = facts['refcount-bits'];
  return {
    ...(clusterSize === undefined || clusterSize === DEFAULT_CLUSTER ? {} : { cluster_size: String(clusterSize) }),
    ...(facts['compression-type'] === 'zstd' ? { compression_type: 'zstd' } : {}),
    ...(old ? { compat: '0.10' } : {}),
    ...(keepsBacking && backing ? { backing_file: backing.name } : {}),
    ...(keepsBacking && backing?.format !== undefined ? { backing_fmt: backing.format } : {}),
    ...(facts['lazy-refcounts'] === true ? { lazy_refcounts: 'on' } : {}),
    ...(refcountBits === undefined || refcountBits === 16 ? {} : { refcount_bits: String(refcountBits) }),
    ...(facts['extended-l2'] === true ? { extended_l2: 'on' } : {}),
  };
}

/** Bitmaps of the old image as its description lists them. */
export interface BitmapFacts {
  readonly name: string;
  readonly granularity: number;
  readonly flags: readonly string[];
}

export function bitmapsIn({ specific }: ImageDescription): readonly BitmapFacts[] {
  const listed = specific?.data['bitmaps'];
  // The description of the format says what stands in it.
  return Array.isArray(listed) ? (listed as readonly unknown[] as readonly BitmapFacts[]) : [];
}

export interface NewImageRequest {
  readonly change: Rewriting;
  readonly source: Source;
  /** What the old image says about itself, and its bitmaps' bits. */
  readonly description: ImageDescription;
  readonly readBitmaps?: (() => ReturnType<NonNullable<FormatEditor['bitmaps']>>) | undefined;
  /** Of the new image. */
  readonly driver: FormatDriver;
  readonly editor: FormatEditor;
  readonly format: 'qcow2' | 'raw';
  readonly texts: OptionTexts;
  readonly mostOwn: number;
  readonly onWarning: (text: string) => void;
}

export interface NewImage {
  readonly overlay: OverlayDevice;
  readonly facts: RewriteFacts;
}

export function* makeNewImage(request: NewImageRequest): Generator<RewriteStep, NewImage> {
  const { change, source, driver, editor, format, texts, mostOwn } = request;
  const overlay = new OverlayDevice({ mostOwn });
  const size = source.chain[0].virtualSize;
  const layout = driver.create?.layout({ texts: { ...texts, size: String(size) } }).image;
  if (!layout) throw new Error(`internal error: ${format} images cannot be made`);
  for (const step of emitLayout(layout)) {
    if (step.kind === 'emit') overlay.write(step.at, step.bytes);
    else if (step.kind === 'progress') yield { done: 0, total: 1 };
  }
  if (overlay.size !== layout.length) overlay.resize(layout.length);
  const [, ...below] = source.chain;
  const [nearest, ...rest] = below;
  const backed = texts['backing_file'] !== undefined;
  const backing = backed && nearest ? ([nearest, ...rest] as const) : undefined;
  const target = editor.openWritable({ image: overlay, backing }, { unmap: true });
  const facts = yield* rewriteDisk({
    source,
    guest: guestSource(source.chain),
    target,
    overlay,
    backed,
    part: format === 'raw' ? SECTOR : partOf(request.description),
    compressed: change.compressed ?? 'keep',
  });
  if (change.kind === 'compact' && change.bitmaps !== 'drop') copyBitmaps(request, target);
  target.close();
  // Compressed data ends anywhere; files that end on a sector are easier on those who read by sectors.
  if (format === 'qcow2' && facts.kept > 0) overlay.resize(roundUp(overlay.size, SECTOR));
  return { overlay, facts };
}

/** What an image of qcow2 fills up around data that is written into nothing: a cluster or subcluster. */
export function partOf({ clusterSize = DEFAULT_CLUSTER, specific }: ImageDescription): number {
  return specific?.data['extended-l2'] === true ? clusterSize / SUBCLUSTERS : clusterSize;
}

/** Brings the bitmaps along that can be trusted. */
function copyBitmaps({ description, readBitmaps, onWarning }: NewImageRequest, target: WritableImage): void {
  const listed = bitmapsIn(description);
  if (listed.length === 0) return;
  const bits = readBitmaps?.();
  for (const { name, granularity, flags } of listed) {
    if (flags.includes('in-use') || !bits || !target.bitmaps) {
      onWarning(`The bitmap ${name} is left behind: it was not stored when the image was last written to.`);
      continue;
    }
    // It records nothing before it is what it was.
    target.bitmaps.add(name, { granularity, disabled: true });
    target.bitmaps.merge(name, name, bits);
    if (flags.includes('auto')) target.bitmaps.enable(name);
  }
}
