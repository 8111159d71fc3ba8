/**
 * What the page asks of a conversion, and what it is told. A job is prepared while a click still counts (a picker may
 * open) and run when its turn comes, so that several can wait in a row.
 */
import type { OptionTexts } from '../../engine/options/declare.ts';
import type { Sink } from '../../platform/browser/deliver/choose.ts';
import type { SaveProgress, SelfCheck } from '../engine-client.ts';
import type { OpenOrder, SuppliedFile } from '../open/protocol.ts';

export interface ConvertOrder {
  /** Disks that come one behind the other, usually one; each with the files of its chain. */
  readonly sources: readonly OpenOrder[];
  /** The disk as this snapshot of the only source holds it. */
  readonly snapshot?: { readonly id?: string; readonly name?: string };
  /** Name in the registry of the new image's format. */
  readonly format: string;
  /** Its create options; the size is that of the disks. */
  readonly texts: OptionTexts;
  /** UTF-8, of an image that is to be encrypted; never a part of `texts`. Not needed to forecast. */
  readonly passphrase?: Uint8Array;
  /** Absent: nothing is compressed. */
  readonly compress?: { readonly level: number };
  /** Bytes of zeros in a row that are not copied; 0: everything is written; absent: 4096. */
  readonly leastZeros?: number;
  /**
   * The new image rests on another one (`backing_file` and `backing_fmt` are in `texts`): its files, which are read
   * where clusters are written in part.
   */
  readonly backing?: readonly SuppliedFile[];
  readonly fileName: string;
  /** Overrides the choice of sink; absent: the best one here. */
  readonly sink?: Sink;
}

/** How the bytes reach a sink, and what that costs. */
export type Passes =
  /** Read once, written at its places. */
  | 'one'
  /** Read twice: once to find out where everything goes, once to send it in order. */
  | 'two'
  /** Built in the browser's own storage, then sent or offered from there. */
  | 'staged'
  /** Read and compressed twice: there is no storage to keep it in. */
  | 'packed-twice';

export interface Way {
  readonly sink: Sink;
  readonly passes: Passes;
  /** Consequence in one line. */
  readonly note: string;
}

export interface ConvertForecast {
  readonly virtualSize: number;
  /** Bytes of the sources that are looked at: what is not known to be zeros. */
  readonly dataBytes: number;
  /** Length of the new image: exact, or the most it can be; what turns out to be zeros or shrinks makes it shorter. */
  readonly length: number;
  readonly exact: boolean;
  /** Length when every cluster is in use. */
  readonly largest: number;
  /** The guest's data gets a file of its own, saved beside the image. */
  readonly dataFile?: { readonly name: string; readonly length: number };
  /** Best first. Empty: nothing here can save it, `refused` says why. */
  readonly ways: readonly Way[];
  readonly refused?: string;
  /** Of the image's own storage, of sources that lack something. */
  readonly warnings: readonly string[];
}

export interface ConvertProgress extends SaveProgress {
  /** Bytes of the new file so far. */
  readonly written: number;
  /** Bytes compressed so far, and what they became. */
  readonly packed?: { readonly from: number; readonly to: number };
}

export interface ConvertedFile {
  readonly role: 'image' | 'data';
  readonly name: string;
  readonly length: number;
  /** Bytes handed to the browser; holes skipped where the sink is positioned. */
  readonly written: number;
  readonly sink: Sink;
  /** Hex, where it costs nothing to know. */
  readonly sha256?: string;
  /** The saved bytes, where the page can read them again; the client adds them. */
  readonly file?: Blob;
}

export interface ConvertReport {
  readonly files: readonly ConvertedFile[];
  readonly virtualSize: number;
  /** Length of the source files together. */
  readonly sourceLength: number;
  /** Bytes of the disk that were copied. */
  readonly copied: number;
  readonly packed?: { readonly from: number; readonly to: number };
  readonly passes: Passes;
  /** Absent for formats with nothing to check, and when it was cancelled (the file is saved by then). */
  readonly check?: SelfCheck;
  readonly milliseconds: number;
}

/** Ready to run: where it goes is settled. Opaque to the page. */
export interface PreparedConversion {
  readonly order: ConvertOrder;
  readonly way: Way;
}

export interface Converter {
  /** Rejects with the first problem of the order: options, what the sources lack, what cannot be compressed. */
  forecast(
    order: ConvertOrder,
    detail?: { readonly signal?: AbortSignal; readonly onProgress?: (progress: SaveProgress) => void },
  ): Promise<ConvertForecast>;
  /**
   * Settles where the file goes; must be called from a user's gesture: a picker may open. `way`: one of the
   * forecast's; absent: the first.
   */
  prepare(order: ConvertOrder, forecast: ConvertForecast, way?: Way): Promise<PreparedConversion>;
  /** Needs no gesture. Two may run at once; each has a worker of its own. Cancelled: kind `cancelled`, nothing is left. */
  run(
    job: PreparedConversion,
    onProgress: (progress: ConvertProgress) => void,
    signal: AbortSignal,
  ): Promise<ConvertReport>;
  /** Takes back a job that will not run: what a picker made goes again. */
  drop(job: PreparedConversion): Promise<void>;
}

/**
 * What the worker is asked. What must be sent in order is first surveyed: read (and, where it is compressed, built or
 * thrown away) until its length is known; the survey waits in the worker for its `run`.
 */
export type ConvertAsk =
  | { readonly kind: 'forecast' }
  | { readonly kind: 'survey'; readonly job: ConvertJob }
  | { readonly kind: 'run'; readonly job: ConvertJob }
  | { readonly kind: 'forget'; readonly job: Pick<ConvertJob, 'id'> };

export interface ConvertJob {
  readonly id: string;
  readonly passes: Passes;
  /** Ends of channels to workers that compress. */
  readonly packers: readonly MessagePort[];
}

/** What the worker can tell of its part: which sinks there are only the page knows. */
export type MeasuredConversion = Omit<ConvertForecast, 'ways' | 'refused'>;

export interface ConvertAnswers {
  forecast: MeasuredConversion;
  /** Exact length of the image. */
  survey: number;
  run: ConvertReport;
  forget: undefined;
}
