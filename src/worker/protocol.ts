/**
 * What page and worker say to each other. A call has a number and one answer; a running job sends
 * events under its number and can be cancelled by it. Errors travel as data, because a structured clone
 * loses our class.
 */
import { DiskwrightError, type ErrorKind } from '../engine/errors.ts';
import type { ForecastReport } from '../jobs/forecast.ts';
import type { PickedHandle } from '../platform/browser/deliver/picked-handle.ts';
import type { ChangeAnswers, ChangeAsk } from './change/protocol.ts';
import type { ConvertAnswers, ConvertAsk, ConvertOrder } from './convert/protocol.ts';
import type { CreateOrder, Identified, SaveOrder, SaveProgress, SaveReport } from './engine-client.ts';
import type { Ask, AskAnswers, OpenOrder } from './open/protocol.ts';

/** One file that an order would make, and its name on the disk (`.gz` included). */
export interface PlannedFile {
  readonly role: 'image' | 'data';
  readonly name: string;
  /** Of the image or data file itself, not compressed. */
  readonly length: number;
  /** The length is the most it can be: what is saved may be shorter. */
  readonly atMost?: boolean;
  readonly written: number;
}

/** Where one file goes, opened as far as only the page can open it. */
export type Target =
  | { readonly sink: 'blob' }
  | { readonly sink: 'picked'; readonly handle: PickedHandle }
  | { readonly sink: 'stream'; readonly port: MessagePort; readonly pingInterval: number }
  | { readonly sink: 'opfs' };

export type Call =
  | { readonly name: 'abilities' }
  | { readonly name: 'forecast'; readonly order: CreateOrder }
  | { readonly name: 'identify'; readonly file: File }
  | { readonly name: 'plan'; readonly order: SaveOrder }
  | { readonly name: 'save'; readonly order: SaveOrder; readonly targets: readonly Target[] }
  | { readonly name: 'digest'; readonly order: SaveOrder; readonly role: PlannedFile['role'] }
  /** `targets`: for an extraction. */
  | { readonly name: 'inspect'; readonly order: OpenOrder; readonly ask: Ask; readonly targets?: readonly Target[] }
  /** `targets`: for a change that is to be saved. */
  | {
      readonly name: 'change';
      readonly order: OpenOrder;
      readonly ask: ChangeAsk;
      readonly targets?: readonly Target[];
    }
  /** `targets`: for a conversion that is run. */
  | {
      readonly name: 'convert';
      readonly order: ConvertOrder;
      readonly ask: ConvertAsk;
      readonly targets?: readonly Target[];
    };

export interface Answers {
  abilities: { readonly opfs: boolean };
  forecast: ForecastReport;
  identify: Identified;
  plan: readonly PlannedFile[];
  save: SaveReport;
  digest: string;
  inspect: AskAnswers[keyof AskAnswers];
  change: ChangeAnswers[keyof ChangeAnswers];
  convert: ConvertAnswers[keyof ConvertAnswers];
}

/** `file` counts targets. */
export type JobEvent =
  | { readonly kind: 'progress'; readonly progress: SaveProgress }
  /** Everything is built: offer it as a download. */
  | { readonly kind: 'offer'; readonly file: Blob; readonly name: string }
  | { readonly kind: 'stream-begin'; readonly file: number }
  | { readonly kind: 'stream-ping'; readonly file: number };

export type ToWorker =
  | { readonly kind: 'call'; readonly id: number; readonly call: Call }
  | { readonly kind: 'cancel'; readonly id: number };

export type FromWorker =
  | { readonly kind: 'event'; readonly id: number; readonly event: JobEvent }
  | { readonly kind: 'answer'; readonly id: number; readonly answer: Answers[keyof Answers] }
  | { readonly kind: 'failure'; readonly id: number; readonly failure: Failure };

/** An error as plain data. */
export interface Failure {
  readonly kind: ErrorKind | 'defect';
  readonly message: string;
  readonly option?: string;
  readonly fix?: string;
}

export function packError(error: unknown): Failure {
  if (!(error instanceof DiskwrightError)) {
    return { kind: 'defect', message: error instanceof Error ? `${error.name}: ${error.message}` : String(error) };
  }
  return {
    kind: error.kind,
    message: error.message,
    ...(error.option === undefined ? {} : { option: error.option }),
    ...(error.fix === undefined ? {} : { fix: error.fix }),
  };
}

export function unpackError({ kind, message, option, fix }: Failure): Error {
  if (kind === 'defect') return new Error(message);
  return new DiskwrightError(kind, message, {
    ...(option === undefined ? {} : { option }),
    ...(fix === undefined ? {} : { fix }),
  });
}

export const cancelled = (): DiskwrightError => new DiskwrightError('cancelled', 'Cancelled.');
