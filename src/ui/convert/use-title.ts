/** Progress in the window's title as long as something runs; then that it is done. */
import { useEffect, useRef } from 'react';
import type { ConversionJob } from './use-conversions.ts';

function signOf(jobs: readonly ConversionJob[]): string | undefined {
  const at = jobs.findIndex(({ now }) => now.state === 'running');
  const running = jobs[at];
  if (running?.now.state === 'running') {
    const { done, total } = running.now.progress ?? { done: 0, total: 0 };
    const share = total > 0 ? Math.floor((100 * done) / total) : 0;
    const place = jobs.length > 1 ? ` (${at + 1} of ${jobs.length})` : '';
    return `${share} % of ${running.task.prepared.order.fileName}${place}`;
  }
  const last = jobs.at(-1);
  if (last?.now.state !== 'finished') return undefined;
  return jobs.length > 1 ? 'Converted' : `${last.task.prepared.order.fileName} is saved`;
}

/** `usual`: of the place, while there is nothing to tell. */
export function useTitle(jobs: readonly ConversionJob[], usual: string, active: boolean): void {
  const sign = signOf(jobs);
  const had = useRef(false);
  useEffect(() => {
    if (sign !== undefined) document.title = sign;
    else if (had.current && active) document.title = usual;
    had.current = sign !== undefined;
  }, [sign, usual, active]);
}
