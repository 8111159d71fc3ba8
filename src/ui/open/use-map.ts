/** Reads all tables once, and tells while they are read how far it is. */
import { useCallback, useEffect, useRef, useState } from 'react';
import type { SaveProgress } from '../../worker/engine-client.ts';
import type { MapSummary } from '../../worker/open/protocol.ts';
import { isCancelled, type OpenImageHandle, wordsOf } from './use-image.ts';

export interface MapState {
  readonly summary: MapSummary | undefined;
  readonly reading: boolean;
  readonly progress: SaveProgress | undefined;
  readonly problem: string | undefined;
  /** Grows whenever there is more to be drawn. */
  readonly version: number;
  readonly start: () => void;
  readonly cancel: () => void;
}

/** Pictures drawn anew while tables are read. */
const REDRAW_MS = 400;

export function useMap(image: OpenImageHandle, wanted: boolean): MapState {
  const [summary, setSummary] = useState<MapSummary>();
  const [progress, setProgress] = useState<SaveProgress>();
  const [problem, setProblem] = useState<string>();
  const [version, setVersion] = useState(0);
  /** Which attempt runs; 0: none. */
  const [run, setRun] = useState(wanted ? 1 : 0);
  const attempts = useRef(1);
  const abort = useRef<AbortController>(undefined);

  useEffect(() => {
    if (run === 0) return;
    const controller = new AbortController();
    abort.current = controller;
    let gone = false;
    let drawn = performance.now();
    const look = () => {
      image.ask({ kind: 'summary' }).then(
        (found) => {
          if (gone) return;
          setSummary(found);
          setVersion((number) => number + 1);
        },
        () => {},
      );
    };
    look();
    const onProgress = (now: SaveProgress) => {
      if (gone) return;
      setProgress(now);
      if (performance.now() - drawn < REDRAW_MS) return;
      drawn = performance.now();
      look();
    };
    image.ask({ kind: 'map' }, { onProgress, signal: controller.signal }).then(
      (found) => {
        if (gone) return;
        setSummary(found);
        setVersion((number) => number + 1);
        setRun(0);
      },
      (error: unknown) => {
        if (gone) return;
        setProblem(isCancelled(error) ? 'Not all tables were read.' : wordsOf(error));
        setRun(0);
      },
    );
    return () => {
      gone = true;
      controller.abort();
    };
  }, [image, run]);

  const start = useCallback(() => {
    setProblem(undefined);
    setRun(++attempts.current);
  }, []);
  const cancel = useCallback(() => abort.current?.abort(), []);
  return { summary, reading: run !== 0, progress, problem, version, start, cancel };
}
