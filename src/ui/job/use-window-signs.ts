/** What a build does outside the page: progress in the window's title, and a word before the tab is closed. */
import { useEffect } from 'react';
import type { SaveProgress } from '../../worker/engine-client.ts';
import { useLeaveWarning, useWakeLock } from './use-leaving.ts';

/** Whatever is saved under a name. */
type Job =
  | { readonly state: 'idle' | 'failed' | 'cancelled' }
  | { readonly state: 'finished'; readonly order: { readonly fileName: string } }
  | {
      readonly state: 'building';
      readonly order: { readonly fileName: string };
      readonly progress: SaveProgress | undefined;
    };

function titleOf(job: Job, usual: string): string {
  if (job.state === 'finished') return `${job.order.fileName} is saved`;
  if (job.state !== 'building') return usual;
  const { done, total } = job.progress ?? { done: 0, total: 0 };
  return `${total > 0 ? Math.floor((100 * done) / total) : 0} % of ${job.order.fileName}`;
}

const USUAL_TITLE = document.title;

export function useWindowSigns(job: Job): void {
  const title = titleOf(job, USUAL_TITLE);
  useEffect(() => {
    document.title = title;
  }, [title]);

  const building = job.state === 'building';
  useLeaveWarning(building);
  useWakeLock(building);
}
