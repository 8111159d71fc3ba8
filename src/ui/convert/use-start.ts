/** The click that starts: settles where each file goes while the click still counts, then queues it. */
import { useRef, useState } from 'react';
import { DiskwrightError } from '../../engine/errors.ts';
import type { Converter, ConvertForecast } from '../../worker/convert/protocol.ts';
import { type ReadyRow, sourceName } from './plan.ts';
import type { TargetState } from './target-state.ts';
import type { Conversions } from './use-conversions.ts';
import type { Images } from './use-images.ts';

const ONE_DIALOG = 'The browser opens one file dialog for each click: press again for the next image.';

interface Around {
  readonly converter: Converter | undefined;
  readonly target: TargetState;
  readonly queue: Conversions;
  readonly images: Images;
}

export interface Start {
  readonly go: (rows: readonly ReadyRow[], forecastOf: (id: string) => ConvertForecast | undefined) => void;
  /** Why the last click did not start everything. */
  readonly refusal: string | undefined;
  /** The first job of the last click. */
  readonly fresh: string | undefined;
}

export function useStart({ converter, target, queue, images }: Around): Start {
  const [refusal, setRefusal] = useState<string>();
  const [fresh, setFresh] = useState<string>();
  // While a picker is open, the button under it does nothing.
  const choosing = useRef(false);
  const count = useRef(0);

  async function prepare(rows: Parameters<Start['go']>[0], forecastOf: Parameters<Start['go']>[1]) {
    if (!converter) return;
    let first = true;
    for (const { image, order } of rows) {
      const forecast = forecastOf(image.id);
      if (!forecast) continue;
      const way = forecast.ways.find(({ sink }) => sink === target.sink) ?? forecast.ways[0];
      try {
        const prepared = await converter.prepare(order, forecast, way);
        const id = `conversion-${++count.current}`;
        queue.add(id, { prepared, image, forecast, target, source: sourceName(image) });
        images.remove([image.id]);
        if (first) setFresh(id);
        first = false;
      } catch (error) {
        // A picker that was closed, or that opens only once a click: the rest waits for another one.
        const closed = error instanceof DiskwrightError && error.kind === 'cancelled';
        const words = error instanceof Error ? error.message : String(error);
        setRefusal(closed ? undefined : !first && way?.sink === 'picked' ? ONE_DIALOG : words);
        return;
      }
    }
  }

  function go(...all: Parameters<Start['go']>) {
    if (choosing.current) return;
    choosing.current = true;
    setRefusal(undefined);
    void prepare(...all).finally(() => {
      choosing.current = false;
    });
  }

  return { go, refusal, fresh };
}
