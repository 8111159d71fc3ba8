/** Which changes the open image can have. */
import { useEffect, useState } from 'react';
import type { ChangeOffers } from '../../../worker/change/protocol.ts';
import { isCancelled, type OpenImageHandle, wordsOf } from '../use-image.ts';

const MOST_TRIES = 3;

export interface Offering {
  /** Absent until known. */
  readonly offers?: ChangeOffers;
  readonly problem?: string;
}

export function useOffers(image: OpenImageHandle): Offering {
  const [offering, setOffering] = useState<Offering>({});
  useEffect(() => {
    let gone = false;
    let tries = 0;
    const ask = () => {
      tries++;
      image.changesOf().then(
        (offers) => !gone && setOffering({ offers }),
        (error: unknown) => {
          if (gone) return;
          // Nobody cancels this: its worker was ended because something else could not be stopped.
          if (isCancelled(error) && tries < MOST_TRIES) ask();
          else setOffering({ problem: wordsOf(error) });
        },
      );
    };
    ask();
    return () => {
      gone = true;
    };
  }, [image]);
  return offering;
}
