/** What every change's form is made of: its state, what the state asks for, and the fields. */
import type { ComponentType } from 'react';
import type { ChangeOffers, PlannedChange } from '../../../worker/change/protocol.ts';
import type { EngineClient } from '../../../worker/engine-client.ts';
import type { OpenReport } from '../../../worker/open/protocol.ts';
import type { Wanted } from './places.ts';

/** What is known of the image when a form is opened. */
export interface Occasion {
  readonly report: OpenReport;
  readonly offers: ChangeOffers;
  /** A check has found more than leaks. */
  readonly broken: boolean;
}

export interface FormProps<Draft> {
  readonly draft: Draft;
  readonly onDraft: (draft: Draft) => void;
  readonly report: OpenReport;
  readonly offers: ChangeOffers;
  readonly client: EngineClient;
  /** Of what the form asks for now; absent while it is worked out. */
  readonly plan: PlannedChange | undefined;
}

export interface ChangeForm<Draft> {
  readonly initial: (occasion: Occasion) => Draft;
  readonly wanted: (draft: Draft, report: OpenReport) => Wanted;
  readonly Fields: ComponentType<FormProps<Draft>>;
}
