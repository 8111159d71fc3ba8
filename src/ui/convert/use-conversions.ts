/** Conversions from the click on: where each file goes is settled at once, then they run one after the other. */
import { useMemo } from 'react';
import type {
  Converter,
  ConvertForecast,
  ConvertProgress,
  ConvertReport,
  PreparedConversion,
} from '../../worker/convert/protocol.ts';
import type { EngineClient } from '../../worker/engine-client.ts';
import { type Queue, type QueuedJob, useQueue, type Work } from '../job/use-queue.ts';
import type { TargetState } from './target-state.ts';
import type { Image } from './use-images.ts';

export interface Task {
  readonly prepared: PreparedConversion;
  readonly image: Image;
  readonly forecast: ConvertForecast;
  readonly target: TargetState;
  /** Name of the image that is read. */
  readonly source: string;
}

export type ConversionJob = QueuedJob<Task, ConvertProgress, ConvertReport>;
export type Conversions = Queue<Task, ConvertProgress, ConvertReport>;

export function useConversions(client: EngineClient): Conversions {
  const work = useMemo<Work<Task, ConvertProgress, ConvertReport>>(() => {
    const converter = (): Promise<Converter> => client.converter();
    return {
      async run({ prepared }, onProgress, signal) {
        try {
          return await (await converter()).run(prepared, onProgress, signal);
        } finally {
          // Tried again it is asked for again.
          prepared.order.passphrase?.fill(0);
        }
      },
      drop: async ({ prepared }) => (await converter()).drop(prepared),
    };
  }, [client]);
  return useQueue(work);
}
