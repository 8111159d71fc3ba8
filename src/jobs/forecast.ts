/** Turns a driver's forecast into plain data of bounded size, for the page and for reports. */
import type { Fact, Forecast } from '../engine/image/format.ts';
import type { FileLayout, ImageLayout, Part, PartTotal } from '../engine/image/layout.ts';

/** One stretch of the to-scale picture. */
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

/** Totals by part, and the first runs for the picture. */
export function reportFile(layout: FileLayout): FileReport {
  const { length, written, parts } = layout.totals();
  const segments: { part: Part; at: number; length: number }[] = [];
  let complete = true;
  for (const { part, at, length: bytes } of layout.pieces()) {
    const last = segments.at(-1);
    if (last && last.part === part && last.at + last.length === at) last.length += bytes;
    else if (segments.length < MAX_SEGMENTS) segments.push({ part, at, length: bytes });
    else {
      complete = false;
      break;
    }
  }
  const tables = parts.filter(({ part }) => part !== 'data' && part !== 'free');
  const metadata = tables.reduce((sum, { bytes }) => sum + bytes, 0);
  return { length, written, metadata, parts, segments, complete };
}

function costOf(layout: ImageLayout): Cost {
  const image = layout.image.totals();
  const data = layout.dataFile?.layout.totals() ?? { length: 0, written: 0 };
  return { length: image.length + data.length, written: image.written + data.written };
}

export function reportForecast(forecast: Forecast): ForecastReport {
  const { image, dataFile } = forecast.now;
  const alternatives: Record<string, Record<string, Cost>> = {};
  for (const [option, choices] of Object.entries(forecast.alternatives)) {
    alternatives[option] = {};
    for (const [choice, other] of Object.entries(choices)) alternatives[option][choice] = costOf(other);
  }
  return {
    guestSize: forecast.guestSize,
    facts: forecast.facts,
    now: reportFile(image),
    alternatives,
    ...(dataFile ? { dataFile: { name: dataFile.name, ...reportFile(dataFile.layout) } } : {}),
    ...(forecast.full ? { full: reportFile(forecast.full.image) } : {}),
  };
}
