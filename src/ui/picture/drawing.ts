/**
 * A file's report → what to draw. Lengths are linear. Where one part takes nearly all of the file, the
 * others would be too thin to see: they are gathered and drawn again, enlarged, in a second strip.
 */
import type { Part } from '../../engine/image/layout.ts';
import type { FileReport } from '../../jobs/forecast.ts';

/** One stretch of a strip; `from` and `share` are fractions of the strip. */
export interface Bar {
  readonly part: Part;
  readonly from: number;
  readonly share: number;
}

/** What stands below a bar: how much of it there is, or where it is. */
export interface Caption extends Bar {
  readonly count: number;
  readonly bytes: number;
  readonly at: number;
}

export interface Enlarged {
  /** What takes nearly all of the file. */
  readonly dominant: Part;
  readonly bars: readonly Caption[];
  readonly bytes: number;
  /** Of the whole file. */
  readonly share: number;
  /** From many places of the file, not one stretch at its start. */
  readonly gathered: boolean;
  /** Where the enlarged stretch ends in the strip above, as a fraction of it. */
  readonly until: number;
}

export interface Drawing {
  readonly bars: readonly Bar[];
  /** First stretch of each part. */
  readonly captions: readonly Caption[];
  readonly enlarged?: Enlarged;
}

/** From this share on, one part hides the others. */
const DOMINANT = 0.9;
/** More stretches than this cannot be told apart in a strip. */
const MOST_BARS = 64;

function captionsOf(file: FileReport): Caption[] {
  return file.parts.map(({ part, at, count, bytes }) => {
    const first = file.segments.find((segment) => segment.part === part);
    return { part, count, bytes, at, from: at / file.length, share: (first?.length ?? 0) / file.length };
  });
}

function enlarge(file: FileReport, dominant: Part): Enlarged | undefined {
  const rest = file.parts.filter((one) => one.part !== dominant);
  const bytes = rest.reduce((sum, one) => sum + one.bytes, 0);
  if (bytes === 0) return undefined;
  let from = 0;
  const bars = rest.map(({ part, at, count, bytes: length }) => {
    const bar = { part, at, count, bytes: length, from, share: length / bytes };
    from += bar.share;
    return bar;
  });
  const begin = file.parts.find((one) => one.part === dominant)?.at ?? 0;
  return { dominant, bars, bytes, share: bytes / file.length, gathered: begin < bytes, until: begin / file.length };
}

/** Stretches of the strip; where there are too many, only those before the dominant part and that part. */
function barsOf(file: FileReport, dominant: Part): Bar[] {
  const all = file.segments.map(({ part, at, length }) => ({
    part,
    from: at / file.length,
    share: length / file.length,
  }));
  if (file.complete && all.length <= MOST_BARS) return all;
  const first = all.findIndex((bar) => bar.part === dominant);
  const from = all[first]?.from ?? 0;
  return [...all.slice(0, Math.min(first, MOST_BARS)), { part: dominant, from, share: 1 - from }];
}

export function drawFile(file: FileReport): Drawing {
  if (file.length === 0) return { bars: [], captions: [] };
  const dominant = file.parts.reduce((most, one) => (one.bytes > most.bytes ? one : most));
  const bars = barsOf(file, dominant.part);
  const captions = captionsOf(file);
  const crowded = dominant.bytes / file.length >= DOMINANT || !file.complete || file.segments.length > MOST_BARS;
  const enlarged = crowded ? enlarge(file, dominant.part) : undefined;
  return enlarged ? { bars, captions, enlarged } : { bars, captions };
}

/** Whether the file is the same once every cluster is in use. */
export const sameFile = (a: FileReport, b: FileReport): boolean =>
  a.length === b.length &&
  a.parts.length === b.parts.length &&
  a.parts.every((one, index) => b.parts[index]?.part === one.part && b.parts[index]?.bytes === one.bytes);
