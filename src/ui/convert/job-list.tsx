/** All conversions that were started, oldest first. */
import { useEffect, useRef } from 'react';
import { JobCard } from './job-card.tsx';
import type { ConversionJob, Conversions } from './use-conversions.ts';

interface Props {
  readonly queue: Conversions;
  /** Nothing else is on the page. */
  readonly alone: boolean;
  /** The job that was just started: the focus goes along to it, so that Escape stops it. */
  readonly fresh: string | undefined;
  readonly onAgain: (job: ConversionJob) => void;
  readonly onLook: (files: readonly File[]) => void;
}

const isActive = ({ now }: ConversionJob): boolean => now.state === 'running' || now.state === 'waiting';

export function JobList({ queue, alone, fresh, onAgain, onLook }: Props) {
  const { jobs } = queue;
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => {
    if (fresh === undefined) return;
    const card = list.current?.querySelector(`[data-job="${CSS.escape(fresh)}"]`);
    card?.querySelector<HTMLElement>('button')?.focus({ preventScroll: true });
    window.scrollTo({ top: 0 });
  }, [fresh]);
  return (
    <section aria-labelledby="convert-jobs">
      <h2 id="convert-jobs" className="sr">
        Conversions
      </h2>
      <ul className="tasks" ref={list}>
        {jobs.map((job, index) => (
          <JobCard
            key={job.id}
            job={job}
            ahead={jobs.slice(0, index).filter(isActive).length}
            alone={alone && jobs.length === 1}
            onCancel={() => queue.cancel(job.id)}
            onRemove={() => queue.remove(job.id)}
            onAgain={() => onAgain(job)}
            onLook={onLook}
          />
        ))}
      </ul>
    </section>
  );
}
