/** Forecasts of a few requests for the help's pictures: drawn from what the engine would really write. */
import { useEffect, useState } from 'react';
import type { OptionTexts } from '../../engine/options/declare.ts';
import type { ForecastReport } from '../../jobs/forecast.ts';
import type { EngineClient } from '../../worker/engine-client.ts';

/** `requests` must be a constant. Undefined where there is no answer (yet): the words stand without the picture. */
export function useForecasts(
  client: EngineClient,
  requests: readonly OptionTexts[],
): readonly (ForecastReport | undefined)[] {
  const [reports, setReports] = useState<readonly (ForecastReport | undefined)[]>([]);
  useEffect(() => {
    let wanted = true;
    // One after the other: a newer forecast supersedes one that is still on its way.
    async function ask() {
      const answers: (ForecastReport | undefined)[] = [];
      for (const texts of requests) {
        answers.push(await client.forecast({ format: 'qcow2', texts }).catch(() => undefined));
        if (!wanted) return;
        setReports([...answers]);
      }
    }
    void ask();
    return () => {
      wanted = false;
    };
  }, [client, requests]);
  return reports;
}
