/** Why something does not open the image, with what to do. */
import type { ReactNode } from 'react';
import type { ReaderNote } from '../../worker/open/protocol.ts';
import { CopyButton } from '../copy-button.tsx';
import { CheckIcon, RefusedIcon, WarningIcon } from '../icons.tsx';
import { Chooser } from './chooser.tsx';

const SIGNS: Readonly<Record<ReaderNote['verdict'], { readonly icon: ReactNode; readonly words: string }>> = {
  yes: { icon: <CheckIcon />, words: 'Opens it: ' },
  if: { icon: <WarningIcon />, words: 'On a condition: ' },
  no: { icon: <RefusedIcon />, words: 'Does not open it: ' },
};

interface Props {
  readonly notes: readonly ReaderNote[];
  readonly onAdd: (files: readonly File[], as?: string) => void;
}

export function ReadersPanel({ notes, onAdd }: Props) {
  const troubled = notes.some(({ verdict }) => verdict !== 'yes');
  return (
    <section className="panel" aria-labelledby="readers-title">
      <div className="panel__head">
        <h2 id="readers-title">{troubled ? 'Why might it not open?' : 'Who opens it'}</h2>
      </div>
      <ul className="readers">
        {notes.map(({ verdict, who, why, command, wants }) => (
          <li key={`${who}${wants ?? ''}`} className={`readers__${verdict}`}>
            {SIGNS[verdict].icon}
            <div>
              <b>
                <span className="sr">{SIGNS[verdict].words}</span>
                {who}
              </b>
              <p>{why}</p>
              {command !== undefined && (
                <div className="shell">
                  <pre>{command}</pre>
                  <CopyButton text={command} what={`command: ${who}`} bare />
                </div>
              )}
            </div>
            {wants !== undefined && (
              <Chooser
                label="Add file"
                name={`File for ${wants}`}
                className="btn btn--sm"
                onFiles={([file]) => file && onAdd([file], wants)}
              />
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}
