/** The changes of the open image: one form at a time, each leading to a new file. Loaded when one goes there. */
import { useEffect, useRef, useState } from 'react';
import { BannedIcon, TurnIcon } from '../../icons.tsx';
import { amendForm } from './amend-form.tsx';
import { backingForm } from './backing-form.tsx';
import './change.css';
import { compactForm } from './compact-form.tsx';
import { type ChangePlace, PLACES, refusalOf, troubleText, wordsOfPlace } from './places.ts';
import { repairForm } from './repair-form.tsx';
import { resizeForm } from './resize-form.tsx';
import { snapshotsForm } from './snapshots-form.tsx';
import { Work, type WorkProps } from './work.tsx';

function FormOf({ place, ...props }: WorkProps & { readonly place: ChangePlace }) {
  switch (place) {
    case 'repair':
      return <Work {...props} place={place} form={repairForm} />;
    case 'resize':
      return <Work {...props} place={place} form={resizeForm} />;
    case 'snapshots':
      return <Work {...props} place={place} form={snapshotsForm} />;
    case 'amend':
      return <Work {...props} place={place} form={amendForm} />;
    case 'backing':
      return <Work {...props} place={place} form={backingForm} />;
    case 'compact':
      return <Work {...props} place={place} form={compactForm} />;
  }
}

interface Props extends Omit<WorkProps, 'onBusy'> {
  readonly place: ChangePlace;
  readonly onPlace: (place: ChangePlace) => void;
}

export default function ChangePlaceView({ place, onPlace, ...props }: Props) {
  const { report, image, offers, onBack } = props;
  const [busy, setBusy] = useState(false);
  const way = useRef<HTMLElement>(null);
  // One comes here by a button that is gone now.
  useEffect(() => {
    way.current?.querySelector<HTMLElement>('[aria-current]')?.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }, []);
  useEffect(() => () => image.forgetChange(), [image]);
  const words = wordsOfPlace(place);
  const refusal = refusalOf(words.kinds, offers);
  return (
    <>
      <nav className="way" aria-label="Changes" ref={way} inert={busy}>
        <button className="btn btn--quiet way__back" type="button" onClick={onBack}>
          <TurnIcon />
          Look inside
        </button>
        <ul>
          {PLACES.map(({ place: one, title, kinds }) => (
            <li key={one}>
              <button
                type="button"
                className="way__go"
                aria-current={one === place ? 'page' : undefined}
                onClick={() => onPlace(one)}
              >
                {refusalOf(kinds, offers) && <BannedIcon />}
                {title}
                {refusalOf(kinds, offers) && <span className="sr"> (not for this image)</span>}
              </button>
            </li>
          ))}
        </ul>
      </nav>
      {refusal ? (
        <div className="page page--change">
          <div>
            <h2>{words.title}</h2>
            <p className="lead">{words.lead}</p>
            <p className="why why--large">
              <BannedIcon />
              <span>{troubleText(refusal)}</span>
            </p>
          </div>
        </div>
      ) : (
        <FormOf key={`${place} ${report.name}`} {...props} place={place} onBusy={setBusy} />
      )}
    </>
  );
}
