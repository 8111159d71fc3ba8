/**
 * What each conversion would give. The last answer stays until the next one is there; a question that is overtaken
 * is cancelled.
 */
import { useEffect, useRef, useState } from 'react';
import { DiskwrightError } from '../../engine/errors.ts';
import type { Converter, ConvertForecast, ConvertOrder } from '../../worker/convert/protocol.ts';
import type { SaveProgress } from '../../worker/engine-client.ts';

export interface Forecasted {
  readonly forecast?: ConvertForecast;
  readonly error?: DiskwrightError;
  /** While the source is looked through. */
  readonly progress?: SaveProgress;
}

export interface Question {
  readonly id: string;
  readonly order: ConvertOrder;
}

/** Typing should not start a reading of the source at each key. */
const PATIENCE = 200;

/** The file's name and the way it is saved change no number. */
export const keyOf = ({ sources, snapshot, format, texts, compress, leastZeros, backing = [] }: ConvertOrder): string =>
  JSON.stringify([
    sources.map(({ id }) => id),
    snapshot,
    format,
    texts,
    compress !== undefined,
    leastZeros,
    backing.map(({ file }) => [file.name, file.size, file.lastModified]),
  ]);

interface Asked {
  readonly key: string;
  readonly abort: AbortController;
}

const asError = (error: unknown): DiskwrightError =>
  error instanceof DiskwrightError
    ? error
    : new DiskwrightError('io', error instanceof Error ? error.message : String(error), { cause: error });

export function useForecasts(
  converter: Converter | undefined,
  questions: readonly Question[],
): Readonly<Record<string, Forecasted>> {
  const [answers, setAnswers] = useState<Readonly<Record<string, Forecasted & { readonly key: string }>>>({});
  const asked = useRef(new Map<string, Asked>());

  useEffect(() => {
    if (!converter) return;
    const now = new Map(questions.map((question) => [question.id, question.order]));
    for (const [id, { key, abort }] of asked.current) {
      const order = now.get(id);
      if (order && keyOf(order) === key) continue;
      abort.abort();
      asked.current.delete(id);
    }
    for (const [id, order] of now) {
      if (asked.current.has(id)) continue;
      const key = keyOf(order);
      const abort = new AbortController();
      const { signal } = abort;
      asked.current.set(id, { key, abort });
      const settle = (answer: Forecasted) => {
        if (!signal.aborted) setAnswers((current) => ({ ...current, [id]: { key, ...answer } }));
      };
      const onProgress = (progress: SaveProgress) => {
        if (!signal.aborted) setAnswers((current) => ({ ...current, [id]: { ...current[id], key, progress } }));
      };
      setTimeout(() => {
        if (signal.aborted) return;
        converter.forecast(order, { signal, onProgress }).then(
          (forecast) => settle({ forecast }),
          (error: unknown) => settle({ error: asError(error) }),
        );
      }, PATIENCE);
    }
  }, [converter, questions]);

  return Object.fromEntries(
    questions.flatMap(({ id, order }) => {
      const answer = answers[id];
      // An answer to an earlier question is no answer to this one.
      return answer && answer.key === keyOf(order) ? [[id, answer]] : [];
    }),
  );
}
