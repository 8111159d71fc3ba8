/** The one button of a change, with what it will do, and what came of the last try. */
import { useId } from 'react';
import type { SinkChoice } from '../../../worker/engine-client.ts';
import { CrossIcon, InfoIcon, SaveIcon, WarningIcon } from '../../icons.tsx';
import { troubleText } from './places.ts';
import type { Saving } from './use-saving.ts';

/** What is in the way of saving, and where it is settled. */
export interface Obstacle {
  readonly message: string;
  readonly button: string;
  readonly at: string;
}

function Ended({ saving, onDismiss }: { readonly saving: Saving; readonly onDismiss: () => void }) {
  if (saving.state !== 'cancelled' && saving.state !== 'failed') return null;
  const failed = saving.state === 'failed';
  return (
    <div className={failed ? 'problem problem--bad' : 'problem problem--plain'} role={failed ? 'alert' : 'status'}>
      {failed ? <WarningIcon /> : <InfoIcon />}
      <div className="problem__body">
        <p>
          {failed ? (
            <>
              <b>{saving.order.fileName} was not saved.</b> {troubleText(saving.trouble)} The open file is as it was.
            </>
          ) : (
            <>
              <b>Cancelled.</b> No file was left behind.
            </>
          )}
        </p>
        <div className="problem__fixes">
          <button className="btn btn--sm" type="button" onClick={onDismiss}>
            Dismiss
          </button>
        </div>
      </div>
    </div>
  );
}

interface Props {
  readonly fileName: string;
  readonly obstacle: Obstacle | undefined;
  readonly choice: SinkChoice | undefined;
  /** In words, for small screens. */
  readonly summary: string | undefined;
  /** It is worked out or saved, long enough to be cancelled. */
  readonly busy: 'planning' | 'saving' | undefined;
  /** Why there is nothing to save. */
  readonly unchanged: string | undefined;
  readonly saving: Saving;
  readonly onGo: () => void;
  readonly onCancel: () => void;
  readonly onDismiss: () => void;
}

export function SaveBar(props: Props) {
  const { fileName, obstacle, choice, summary, busy, unchanged, saving, onGo, onCancel, onDismiss } = props;
  const note = useId();
  if (busy) {
    return (
      <div className="action">
        <button className="go go--stop" type="button" aria-describedby={note} onClick={onCancel}>
          <CrossIcon />
          Cancel
          <span className="key" aria-hidden="true">
            Esc
          </span>
        </button>
        <p className="action__note" id={note}>
          {busy === 'saving' ? 'Cancelling leaves no file behind.' : 'Nothing is saved yet.'}
        </p>
      </div>
    );
  }
  return (
    <>
      <Ended saving={saving} onDismiss={onDismiss} />
      {unchanged !== undefined && !obstacle ? (
        <div className="problem problem--plain" role="status">
          <InfoIcon />
          <p>
            <b>Nothing to save.</b> {unchanged}
          </p>
        </div>
      ) : (
        <div className="action">
          <button className="go" type="button" aria-describedby={note} onClick={onGo}>
            {obstacle ? <WarningIcon /> : <SaveIcon />}
            <span className="go__words">{obstacle ? obstacle.button : `Save ${fileName}`}</span>
          </button>
          <p className="action__note" id={note}>
            <span>{obstacle ? obstacle.message : choice?.note}</span>
          </p>
          <p className="action__sum" aria-hidden="true">
            {obstacle ? obstacle.message : summary}
          </p>
        </div>
      )}
    </>
  );
}
