/** Turns a driver's forecast into plain data of bounded size, for the page and for reports. */
import type { Fact, Forecast } from '../engine/image/format.ts';
import type { FileLayout, ImageLayout, Part, PartTotal } from '../engine/image/layout.ts';

/** One stretch of the to-scale picture; `mixed` lists what was merged into it, rarest first. */
export interface Segment {
  readonly part: Part;
  readonly at: number;
  readonly length: number;
}

export interface FileReport {
  readonly length: number;
  /** Bytes really written, zeros included. */
  readonly written: number;
  /** Everything that is neither guest data nor free. */
  readonly metadata: number;
  readonly parts: readonly PartTotal[];
  /** Runs of one part in file order; beyond MAX_SEGMENTS the rest is left to `parts`. */
  readonly segments: readonly Segment[];
  /** False when the file has more runs than `segments` holds. */
  readonly complete: boolean;
}

export interface ForecastReport {
  readonly guestSize: number;
  readonly facts: readonly Fact[];
  readonly now: FileReport;
  readonly dataFile?: FileReport & { readonly name: string };
  /** The image file when every cluster is in use; absent if it never grows. */
  readonly full?: FileReport;
  /** option → choice → cost of the image and its data file together. */
  readonly alternatives: Readonly<Record<string, Readonly<Record<string, Cost>>>>;
}

export interface Cost {
  readonly length: number;
  readonly written: number;
}

const MAX_SEGMENTS = 400;

/** One walk over a layout: totals by part and the first runs for the picture. */
export function reportFile(layout: FileLayout): FileReport {
  const parts = new Map<Part, { part: Part; at: number; count: number; bytes: number }>();
  const segments: { part: Part; at: number; length: number }[] = [];
  let written = 0;
  let metadata = 0;
  let complete = true;
  for (const { part, at, length, content } of layout.pieces()) {
    if (content !== 'hole') written += length;
    if (part !== 'data' && part !== 'free') metadata += length;
    const total = parts.get(part);
    if (total) {
      total.count++;
      total.bytes += length;
    } else parts.set(part, { part, at, count: 1, bytes: length });
    const last = segments.at(-1);
    if (last && last.part === part && last.at + last.length === at) last.length += length;
    else if (segments.length < MAX_SEGMENTS) segments.push({ part, at, length });
    else complete = false;
  }
  return { length: layout.length, written, metadata, parts: [...parts.values()], segments, complete };
}

type Report = (layout: FileLayout) => FileReport;

/** A layout may have millions of pieces and appear twice in a forecast: each is walked once. */
function remembering(): Report {
  const reports = new Map<FileLayout, FileReport>();
  return (layout) => {
    const known = reports.get(layout) ?? reportFile(layout);
    reports.set(layout, known);
    return known;
  };
}

function costOf(layout: ImageLayout, report: Report): Cost {
  const image = report(layout.image);
  const data = layout.dataFile ? report(layout.dataFile.layout) : { length: 0, written: 0 };
  return { length: image.length + data.length, written: image.written + data.written };
}

export function reportForecast(forecast: Forecast): ForecastReport {
  const { image, dataFile } = forecast.now;
  const report = remembering();
  const alternatives: Record<string, Record<string, Cost>> = {};
  for (const [option, choices] of Object.entries(forecast.alternatives)) {
    alternatives[option] = {};
    for (const [choice, other] of Object.entries(choices)) alternatives[option][choice] = costOf(other, report);
  }
  return {
    guestSize: forecast.guestSize,
    facts: forecast.facts,
    now: report(image),
    alternatives,
    ...(dataFile ? { dataFile: { name: dataFile.name, ...report(dataFile.layout) } } : {}),
    ...(forecast.full ? { full: report(forecast.full.image) } : {}),
  };
}
