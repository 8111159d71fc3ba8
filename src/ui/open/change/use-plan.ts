/**
 * What a change would make of the image, worked out anew whenever the form asks for another one. Only the newest
 * counts; while it is on its way the numbers of the last one stay.
 */
import { useCallback, useEffect, useRef, useState } from 'react';
import type { Change, ChangeCommands, PlannedChange } from '../../../worker/change/protocol.ts';
import type { SaveProgress } from '../../../worker/engine-client.ts';
import type { Trouble } from '../../../worker/open/protocol.ts';
import { isCancelled, type OpenImageHandle, troubleOf } from '../use-image.ts';

/** Typing goes on for so long before it is worth a plan. */
const PAUSE_MS = 200;

const MOST_TRIES = 3;

export type Planning =
  | { readonly state: 'none' }
  | { readonly state: 'planning'; readonly progress: SaveProgress | undefined }
  | { readonly state: 'planned'; readonly plan: PlannedChange }
  | { readonly state: 'refused'; readonly trouble: Trouble; readonly commands?: ChangeCommands | undefined }
  | { readonly state: 'cancelled' };

export interface PlanControl {
  readonly planning: Planning;
  /** The newest plan that there was, of an earlier form perhaps. */
  readonly last: PlannedChange | undefined;
  readonly cancel: () => void;
  /** Works it out again. */
  readonly again: () => void;
}

export function usePlan(image: OpenImageHandle, change: Change | undefined): PlanControl {
  const [planning, setPlanning] = useState<Planning>({ state: 'none' });
  const [last, setLast] = useState<PlannedChange>();
  const [turn, setTurn] = useState(0);
  const abort = useRef<AbortController>(undefined);
  const first = useRef(true);

  // biome-ignore lint/correctness/useExhaustiveDependencies: `turn` asks for the same once more.
  useEffect(() => {
    if (!change) {
      setPlanning({ state: 'none' });
      return;
    }
    const controller = new AbortController();
    abort.current = controller;
    let gone = false;
    const settle = (next: Planning) => {
      if (!gone) setPlanning(next);
    };
    settle({ state: 'planning', progress: undefined });
    const onProgress = (progress: SaveProgress) => {
      if (!controller.signal.aborted) settle({ state: 'planning', progress });
    };
    let tries = 0;
    const start = () => {
      tries++;
      image.planChange(change, { onProgress, signal: controller.signal }).then(
        (plan) => {
          if (plan.refused) return settle({ state: 'refused', trouble: plan.refused, commands: plan.commands });
          settle({ state: 'planned', plan });
          if (!gone) setLast(plan);
        },
        (error: unknown) => {
          // Nobody cancelled this one: its worker was ended because another could not be stopped.
          if (isCancelled(error) && !controller.signal.aborted && tries < MOST_TRIES) start();
          else settle(isCancelled(error) ? { state: 'cancelled' } : { state: 'refused', trouble: troubleOf(error) });
        },
      );
    };
    const timer = setTimeout(start, first.current ? 0 : PAUSE_MS);
    first.current = false;
    // A plan that is given up before it began ends all the same.
    controller.signal.addEventListener('abort', () => {
      clearTimeout(timer);
      settle({ state: 'cancelled' });
    });
    return () => {
      gone = true;
      controller.abort();
    };
  }, [image, change, turn]);

  const cancel = useCallback(() => abort.current?.abort(), []);
  const again = useCallback(() => setTurn((number) => number + 1), []);
  return { planning, last, cancel, again };
}
