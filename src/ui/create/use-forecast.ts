/**
 * Asks the engine what the present options give. The last answer stays in sight until the next one is
 * there; only when that takes long does it show as old.
 */
import { useEffect, useState } from 'react';
import { DiskwrightError } from '../../engine/errors.ts';
import type { OptionTexts } from '../../engine/options/declare.ts';
import type { ForecastReport } from '../../jobs/forecast.ts';
import type { EngineClient } from '../../worker/engine-client.ts';

export interface ForecastState {
  readonly report: ForecastReport | undefined;
  /** Refused by the engine: belongs to the present options. */
  readonly error: DiskwrightError | undefined;
  /** The report is of earlier options, and has been for a while. */
  readonly old: boolean;
}

const SLOW = 300;

interface Answer {
  readonly order: string;
  readonly report?: ForecastReport;
  readonly error?: DiskwrightError;
}

const asError = (error: unknown): DiskwrightError =>
  error instanceof DiskwrightError
    ? error
    : new DiskwrightError('io', 'The engine did not answer.', { fix: 'Reload the page.', cause: error });

/** `sound`: the options have no problem of their own, so it makes sense to ask. */
export function useForecast(client: EngineClient, format: string, texts: OptionTexts, sound: boolean): ForecastState {
  const order = JSON.stringify([format, texts]);
  const [answer, setAnswer] = useState<Answer>();
  const [old, setOld] = useState(false);

  useEffect(() => {
    if (!sound) return;
    const [asked, withTexts] = JSON.parse(order) as [string, OptionTexts];
    const abort = new AbortController();
    const timer = setTimeout(() => setOld(true), SLOW);
    const settle = (next: Omit<Answer, 'order'>) => {
      if (abort.signal.aborted) return;
      clearTimeout(timer);
      setOld(false);
      setAnswer({ order, ...next });
    };
    client.forecast({ format: asked, texts: withTexts }, abort.signal).then(
      (report) => settle({ report }),
      (error: unknown) => settle({ error: asError(error) }),
    );
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [client, order, sound]);

  const current = answer?.order === order;
  return {
    report: sound && !(current && answer.error) ? answer?.report : undefined,
    error: sound && current ? answer.error : undefined,
    old: sound && !current && old,
  };
}
