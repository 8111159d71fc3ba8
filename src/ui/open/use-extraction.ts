/** One stretch at a time is saved as a file: from the click to the saved file, the failure or the cancel. */
import { useCallback, useEffect, useRef, useState } from 'react';
import { freeName } from '../../platform/browser/deliver/saved-name.ts';
import type { SaveProgress } from '../../worker/engine-client.ts';
import type { AskAnswers, Extraction } from '../../worker/open/protocol.ts';
import { isCancelled, type OpenImageHandle, wordsOf } from './use-image.ts';

export type ExtractionState =
  | { readonly state: 'idle' | 'cancelled' }
  | { readonly state: 'saving'; readonly fileName: string; readonly progress: SaveProgress | undefined }
  | { readonly state: 'saved'; readonly saved: AskAnswers['extract'] }
  | { readonly state: 'failed'; readonly why: string };

export interface ExtractionControl {
  readonly state: ExtractionState;
  readonly start: (extraction: Extraction) => void;
  readonly cancel: () => void;
}

export function useExtraction(image: OpenImageHandle): ExtractionControl {
  const [state, setState] = useState<ExtractionState>({ state: 'idle' });
  const abort = useRef<AbortController>(undefined);
  const cancel = useCallback(() => abort.current?.abort(), []);
  useEffect(() => () => abort.current?.abort(), []);
  const start = useCallback(
    (wanted: Extraction) => {
      const extraction = { ...wanted, fileName: freeName(wanted.fileName, image.names) };
      abort.current?.abort();
      const controller = new AbortController();
      abort.current = controller;
      const settle = (next: ExtractionState) => {
        if (abort.current === controller) setState(next);
      };
      const { fileName } = extraction;
      settle({ state: 'saving', fileName, progress: undefined });
      const onProgress = (progress: SaveProgress) => settle({ state: 'saving', fileName, progress });
      image.extract(extraction, { onProgress, signal: controller.signal }).then(
        (saved) => settle({ state: 'saved', saved }),
        (error: unknown) =>
          settle(isCancelled(error) ? { state: 'cancelled' } : { state: 'failed', why: wordsOf(error) }),
      );
    },
    [image],
  );
  return { state, start, cancel };
}
