/** Which changes the open image can have. */
import { useEffect, useState } from 'react';
import type { ChangeOffers } from '../../../worker/change/protocol.ts';
import { isCancelled, type OpenImageHandle, wordsOf } from '../use-image.ts';

export interface Offering {
  /** Absent until known. */
  readonly offers?: ChangeOffers;
  readonly problem?: string;
}

export function useOffers(image: OpenImageHandle): Offering {
  const [offering, setOffering] = useState<Offering>({});
  useEffect(() => {
    let gone = false;
    image.changesOf().then(
      (offers) => !gone && setOffering({ offers }),
      (error: unknown) => !gone && !isCancelled(error) && setOffering({ problem: wordsOf(error) }),
    );
    return () => {
      gone = true;
    };
  }, [image]);
  return offering;
}
