/**
 * What the page asks of an image that is to be changed, and what it is told. Nothing is done to the file that was
 * dropped: a change is carried out on an overlay, and its result saved as a new file.
 *
 * First `plan`: the worker carries the change out in memory (tables; guest data only as references to where it stands),
 * so everything it tells is exact. Then `save`, which writes what was planned. A plan stays in the worker until another
 * is made.
 */
import type { PlannedChange } from '../../jobs/change/carry-out.ts';
import type { ChangeCommands, ChangeInPlace, CompressedClusters, Rebase, Rewriting } from '../../jobs/change/change.ts';
import type { Sink } from '../../platform/browser/deliver/choose.ts';
import type { SelfCheck } from '../engine-client.ts';
import type { SuppliedFile, Trouble } from '../open/protocol.ts';

export type Change =
  | Exclude<ChangeInPlace, Rebase>
  /** `files`: for `safe` with a backing image: it, and what it rests on; absent: it is among the image's own files. */
  | (Rebase & { readonly files?: readonly SuppliedFile[] })
  | Rewriting;

export type ChangeKind = Change['kind'];

/** Which changes this image can have at all; the reason where it cannot. */
export type ChangeOffers = Readonly<Record<ChangeKind, { readonly refused?: Trouble }>>;

export type ChangePlan =
  | ({ readonly refused?: undefined } & PlannedChange)
  /** Why it cannot be done, and the command lines that say the same. */
  | { readonly refused: Trouble; readonly commands?: ChangeCommands };

export interface ChangeOrder {
  readonly change: Change;
  readonly fileName: string;
  /** Overrides the choice of sink. */
  readonly sink?: Sink;
}

export interface ChangeReport {
  readonly name: string;
  readonly length: number;
  readonly written: number;
  readonly sink: Sink;
  readonly milliseconds: number;
  /** The engine's own check of the result; absent for formats that have nothing to check. */
  readonly check?: SelfCheck;
  /** What was saved, to be opened straight away; absent where it was streamed out of reach. */
  readonly file?: File;
}

/** What the worker is asked. */
export type ChangeAsk =
  | { readonly kind: 'offers' }
  | { readonly kind: 'plan'; readonly change: Change }
  | { readonly kind: 'save'; readonly change: Change; readonly fileName: string }
  /** Lets go of what was planned. */
  | { readonly kind: 'forget' };

export interface ChangeAnswers {
  offers: ChangeOffers;
  plan: ChangePlan;
  save: ChangeReport;
  forget: undefined;
}

export type { ChangeCommands, CompressedClusters, PlannedChange };
