/** One open image as the page knows it: the report, and a way to ask on. */
import { useEffect, useMemo, useState } from 'react';
import { DiskwrightError } from '../../engine/errors.ts';
import type { Change, ChangeOffers, ChangeOrder, ChangePlan, ChangeReport } from '../../worker/change/protocol.ts';
import type { AskDetail, EngineClient, Inspector, SaveProgress } from '../../worker/engine-client.ts';
import type { Ask, AskAnswers, Extraction, OpenOrder, OpenReport, Trouble } from '../../worker/open/protocol.ts';

export type Opening =
  | { readonly state: 'none' }
  | { readonly state: 'opening'; readonly progress: SaveProgress | undefined; readonly cancel: () => void }
  | { readonly state: 'failed'; readonly error: Error; readonly cancelled: boolean }
  | { readonly state: 'open'; readonly report: OpenReport };

export interface OpenImageHandle {
  /** Of all files that are read. */
  readonly names: readonly string[];
  ask<Kind extends Exclude<Ask['kind'], 'extract'>>(
    ask: Extract<Ask, { kind: Kind }>,
    detail?: AskDetail,
  ): Promise<AskAnswers[Kind]>;
  extract(extraction: Extraction, detail: AskDetail): Promise<AskAnswers['extract']>;
  changesOf(): Promise<ChangeOffers>;
  planChange(change: Change, detail: AskDetail): Promise<ChangePlan>;
  /** Must be called from a user's gesture: a picker may open. */
  change(order: ChangeOrder, detail: AskDetail): Promise<ChangeReport>;
  /** What was planned is not needed any more. */
  forgetChange(): void;
}

export const isCancelled = (error: unknown): boolean => error instanceof DiskwrightError && error.kind === 'cancelled';

export const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** What went wrong and what to do about it. */
export function troubleOf(error: unknown): Trouble {
  const fix = error instanceof DiskwrightError ? error.fix : undefined;
  return { message: wordsOf(error), ...(fix === undefined ? {} : { fix }) };
}

export function useImage(
  client: EngineClient,
  order: OpenOrder | undefined,
): { readonly opening: Opening; readonly image: OpenImageHandle | undefined } {
  const [opening, setOpening] = useState<Opening>({ state: 'none' });
  const [inspector, setInspector] = useState<Inspector>();
  useEffect(() => {
    let gone = false;
    client.inspector().then(
      (one) => {
        if (!gone) setInspector(one);
      },
      (error: Error) => {
        if (!gone) setOpening({ state: 'failed', error, cancelled: false });
      },
    );
    return () => {
      gone = true;
    };
  }, [client]);

  useEffect(() => {
    if (!order || !inspector) return;
    const abort = new AbortController();
    const cancel = () => abort.abort();
    let gone = false;
    setOpening({ state: 'opening', progress: undefined, cancel });
    const onProgress = (progress: SaveProgress) => {
      if (!gone) setOpening({ state: 'opening', progress, cancel });
    };
    inspector.ask(order, { kind: 'open' }, { onProgress, signal: abort.signal }).then(
      (report) => {
        if (!gone) setOpening({ state: 'open', report });
      },
      (error: Error) => {
        if (!gone) setOpening({ state: 'failed', error, cancelled: isCancelled(error) });
      },
    );
    return () => {
      gone = true;
      abort.abort();
    };
  }, [inspector, order]);

  const image = useMemo((): OpenImageHandle | undefined => {
    if (!inspector || !order) return undefined;
    return {
      names: order.files.map(({ file }) => file.name),
      ask: (question, detail) => inspector.ask(order, question, detail),
      extract: (extraction, detail) => inspector.extract(order, extraction, detail),
      changesOf: () => inspector.changesOf(order),
      planChange: (change, detail) => inspector.planChange(order, change, detail),
      change: (what, detail) => inspector.change(order, what, detail),
      forgetChange() {
        inspector.forgetChange(order).catch(() => {});
      },
    };
  }, [inspector, order]);
  return { opening: order ? opening : { state: 'none' }, image: opening.state === 'open' ? image : undefined };
}
