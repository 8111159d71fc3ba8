/** One change at a time is saved: from the click to the saved file, the failure or the cancel. */
import { useCallback, useEffect, useRef, useState } from 'react';
import { DiskwrightError, type ErrorKind } from '../../../engine/errors.ts';
import type { ChangeOrder, ChangeReport, PlannedChange } from '../../../worker/change/protocol.ts';
import type { SaveProgress } from '../../../worker/engine-client.ts';
import type { Trouble } from '../../../worker/open/protocol.ts';
import { isCancelled, type OpenImageHandle, troubleOf } from '../use-image.ts';

export type Saving =
  | { readonly state: 'idle' }
  | {
      readonly state: 'saving';
      readonly order: ChangeOrder;
      readonly progress: SaveProgress | undefined;
      /** Rates since the start, oldest first. */
      readonly rates: readonly number[];
      readonly startedAt: number;
    }
  | {
      readonly state: 'saved';
      readonly order: ChangeOrder;
      readonly plan: PlannedChange | undefined;
      readonly report: ChangeReport;
    }
  | { readonly state: 'failed'; readonly order: ChangeOrder; readonly trouble: Trouble }
  | { readonly state: 'cancelled'; readonly order: ChangeOrder };

export interface SavingControl {
  readonly saving: Saving;
  readonly start: (order: ChangeOrder, plan: PlannedChange | undefined) => void;
  readonly cancel: () => void;
  /** Back to the form. */
  readonly reset: () => void;
}

/** For errors that bring no advice of their own. */
const ADVICE: Partial<Record<ErrorKind, string>> = {
  'no-space': 'Free some space, or save it elsewhere.',
  'out-of-range': 'Use a current browser, or the command lines beside it.',
  locked: 'Close the program that has the file open, or save under another name.',
  io: 'Try again, or save under another name.',
  corrupt: 'Repair the image first, then open the result.',
};

function failureOf(error: unknown): Trouble {
  const trouble = troubleOf(error);
  if (trouble.fix !== undefined) return trouble;
  const kind = error instanceof DiskwrightError ? error.kind : 'io';
  return { ...trouble, fix: ADVICE[kind] ?? 'Try again.' };
}

/** Points of the curve of the rate. */
const MOST_RATES = 240;

function withProgress(saving: Saving, progress: SaveProgress): Saving {
  if (saving.state !== 'saving') return saving;
  const kept = saving.rates.length < MOST_RATES ? saving.rates : saving.rates.filter((_, index) => index % 2 === 0);
  return { ...saving, progress, rates: progress.rate > 0 ? [...kept, progress.rate] : saving.rates };
}

export function useSaving(image: OpenImageHandle): SavingControl {
  const [saving, setSaving] = useState<Saving>({ state: 'idle' });
  const abort = useRef<AbortController>(undefined);

  const start = useCallback(
    (order: ChangeOrder, plan: PlannedChange | undefined) => {
      abort.current?.abort();
      const controller = new AbortController();
      abort.current = controller;
      const settle = (next: Saving) => {
        if (abort.current === controller) setSaving(next);
      };
      setSaving({ state: 'saving', order, progress: undefined, rates: [], startedAt: performance.now() });
      const onProgress = (progress: SaveProgress) => {
        if (abort.current === controller) setSaving((current) => withProgress(current, progress));
      };
      image.change(order, { onProgress, signal: controller.signal }).then(
        (report) => settle({ state: 'saved', order, plan, report }),
        (error: unknown) =>
          settle(
            isCancelled(error) ? { state: 'cancelled', order } : { state: 'failed', order, trouble: failureOf(error) },
          ),
      );
    },
    [image],
  );
  const cancel = useCallback(() => abort.current?.abort(), []);
  const reset = useCallback(() => setSaving({ state: 'idle' }), []);
  useEffect(() => () => abort.current?.abort(), []);
  return { saving, start, cancel, reset };
}
