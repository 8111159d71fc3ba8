/** The engine's half, loaded when the first image is here. */
import { useEffect, useState } from 'react';
import type { Converter } from '../../worker/convert/protocol.ts';
import type { EngineClient } from '../../worker/engine-client.ts';

export interface ConverterState {
  readonly converter: Converter | undefined;
  /** It could not be loaded. */
  readonly failure: string | undefined;
}

export function useConverter(client: EngineClient, wanted: boolean): ConverterState {
  const [state, setState] = useState<ConverterState>({ converter: undefined, failure: undefined });
  useEffect(() => {
    if (!wanted) return;
    let gone = false;
    const settle = (next: ConverterState) => {
      if (!gone) setState(next);
    };
    client.converter().then(
      (converter) => settle({ converter, failure: undefined }),
      () => settle({ converter: undefined, failure: 'A part of this page did not load. Reload the page.' }),
    );
    return () => {
      gone = true;
    };
  }, [client, wanted]);
  return state;
}
