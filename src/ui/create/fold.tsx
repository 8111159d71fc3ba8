/** A part of a group that is folded away: its summary line states what is inside. */
import type { ReactNode } from 'react';
import { BannedIcon, TurnIcon } from '../icons.tsx';

interface Props {
  readonly title: string;
  readonly summary: string;
  readonly open: boolean;
  readonly onToggle: (open: boolean) => void;
  readonly children: ReactNode;
}

export function FoldView({ title, summary, open, onToggle, children }: Props) {
  return (
    <details className="fold" open={open} onToggle={(event) => onToggle(event.currentTarget.open)}>
      <summary>
        <TurnIcon />
        <span className="fold__title">{title}</span>
        <span className="fold__summary">{summary}</span>
      </summary>
      <div className="fold__body">{children}</div>
    </details>
  );
}

/** A fold of which nothing can be used yet: there is nothing to open, only the reason. */
export function ClosedFold({ title, reason }: { readonly title: string; readonly reason: string }) {
  return (
    <div className="fold fold--closed">
      <BannedIcon />
      <span className="fold__title">{title}</span>
      <span className="fold__summary">
        <span className="sr">Not available. </span>
        {reason}
      </span>
    </div>
  );
}
