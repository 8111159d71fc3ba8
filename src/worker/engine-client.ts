/**
 * What the page may ask of the engine. The page's components import these types and get the client as a
 * value; they never see a byte of an image. `client.ts` implements it over the worker; tests of
 * components pass a fake.
 */
import type { OptionTexts } from '../engine/options/declare.ts';
import type { ForecastReport } from '../jobs/forecast.ts';
import type { Sink, SinkChoice } from '../platform/browser/deliver/choose.ts';
import type { Change, ChangeOffers, ChangeOrder, ChangePlan, ChangeReport } from './change/protocol.ts';
import type { Converter } from './convert/protocol.ts';
import type { Ask, AskAnswers, Extraction, OpenOrder } from './open/protocol.ts';

export interface CreateOrder {
  /** Name in the registry. */
  readonly format: string;
  readonly texts: OptionTexts;
  /** UTF-8, of a disk that is to be encrypted; never a part of `texts`. Not needed to plan. */
  readonly passphrase?: Uint8Array | undefined;
}

export interface Identified {
  readonly format: string;
  /** Why we think so: `"QFI\xfb" at 0, version 3`. */
  readonly reason: string;
  /** Virtual size in bytes; absent when the format is only recognised. */
  readonly virtualSize?: number;
}

export type { Sink, SinkChoice };

export interface SaveOrder extends CreateOrder {
  readonly fileName: string;
  /** Save `<name>.gz` instead. */
  readonly gzip: boolean;
  /** Overrides the choice of sink; absent: the best one here for this length. */
  readonly sink?: Sink;
}

export interface SaveProgress {
  /** Words for the person: `Writing tables`, `The browser is finishing the file`. */
  readonly phase: string;
  readonly fileName: string;
  readonly done: number;
  readonly total: number;
  /** Bytes per second over the last seconds; 0 until known. */
  readonly rate: number;
  /** Seconds left; absent until known. */
  readonly eta?: number;
}

export interface SavedFile {
  readonly name: string;
  /** Length of the saved file (compressed, if gzip). */
  readonly length: number;
  /** Bytes handed to the browser; holes skipped where the sink is positioned. */
  readonly written: number;
  readonly sink: Sink;
  /** Hex SHA-256 of the saved file; absent above 4 GiB until asked for, or if cancelled after saving. */
  readonly sha256?: string;
  /** Hex layout digest of the image file (not of the .gz); absent if the digests were cancelled after saving. */
  readonly layoutDigest?: string;
}

/** The engine's own check of the finished image, made after saving. */
export interface SelfCheck {
  /** `unread`: the saved file could not be read back, so nothing is known. */
  readonly verdict: 'sound' | 'damaged' | 'unread';
  /** The first things found, or why it could not be read; in words. */
  readonly findings: readonly string[];
  /** `file`: the saved file was opened and read back; `sent`: the bytes were checked as they were sent. */
  readonly read: 'file' | 'sent';
}

export interface SaveReport {
  /** The image, then its data file if it has one. */
  readonly files: readonly SavedFile[];
  /** Absent for formats with nothing to check, and when it was cancelled (the file is saved by then). */
  readonly check?: SelfCheck;
  readonly milliseconds: number;
}

export interface AskDetail {
  readonly onProgress?: (progress: SaveProgress) => void;
  readonly signal?: AbortSignal;
}

export interface Inspector {
  ask<Kind extends Exclude<Ask['kind'], 'extract'>>(
    order: OpenOrder,
    ask: Extract<Ask, { kind: Kind }>,
    detail?: AskDetail,
  ): Promise<AskAnswers[Kind]>;
  /** Must be called from a user's gesture: a picker may open. */
  extract(order: OpenOrder, extraction: Extraction, detail: AskDetail): Promise<AskAnswers['extract']>;
  /** Which changes the image can have. */
  changesOf(order: OpenOrder, detail?: AskDetail): Promise<ChangeOffers>;
  /** Carries the change out in memory and tells what would be saved. A newer plan takes the place of an older one. */
  planChange(order: OpenOrder, change: Change, detail?: AskDetail): Promise<ChangePlan>;
  /**
   * Saves the image with the change. Must be called from a user's gesture (a picker may open), best with what was
   * planned last. A change that is refused rejects with the reason.
   */
  change(order: OpenOrder, change: ChangeOrder, detail?: AskDetail): Promise<ChangeReport>;
  /** Gives back the memory that the last plan takes. */
  forgetChange(order: OpenOrder): Promise<void>;
}

export interface EngineClient {
  /** Sizes, facts and picture. Rejects with a DiskwrightError; a newer call supersedes through `signal`. */
  forecast(order: CreateOrder, signal?: AbortSignal): Promise<ForecastReport>;
  /** Format and size of a file that the person chose. */
  identify(file: File): Promise<Identified>;
  /** Which sink a file of this length and this many written bytes would take here. */
  chooseSink(file: { length: number; written: number; gzip: boolean }): SinkChoice;
  /** Builds and saves. Must be called from a user's gesture (a picker may open). Cancelled: kind `cancelled`. */
  save(order: SaveOrder, onProgress: (progress: SaveProgress) => void, signal: AbortSignal): Promise<SaveReport>;
  /** Looks into images; its code is loaded when it is first asked for. */
  inspector(): Promise<Inspector>;
  /** Converts images; its code is loaded when it is first asked for. */
  converter(): Promise<Converter>;
  /** SHA-256 of a file of the order (image or data file), computed anew, for what is above 4 GiB. */
  digest(
    order: SaveOrder,
    file: 'image' | 'data',
    onProgress: (progress: SaveProgress) => void,
    signal: AbortSignal,
  ): Promise<string>;
}
